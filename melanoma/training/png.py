"""Charts as files."""

import io

from matplotlib.figure import Figure


def png_of(figure: Figure) -> bytes:
    """Gives a chart as a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
