"""Matplotlib figures as PNG files."""

import io

from matplotlib.figure import Figure


def to_png(figure: Figure) -> bytes:
    """Renders a figure at 110 dots per inch and returns the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
