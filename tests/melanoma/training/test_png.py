"""Figures as PNG files."""

import io

from matplotlib.figure import Figure
from PIL import Image

from melanoma.training.png import to_png


def test_a_figure_becomes_a_png_of_110_dots_per_inch() -> None:
    image = Image.open(io.BytesIO(to_png(Figure(figsize=(4, 2)))))
    assert (image.format, image.size) == ("PNG", (440, 220))


def test_the_same_figure_gives_the_same_bytes() -> None:
    def plot(height: float) -> bytes:
        figure = Figure(figsize=(2, 1))
        figure.subplots().plot([0, height])
        return to_png(figure)

    assert plot(1.0) == plot(1.0)
    assert plot(1.0) != plot(2.0)


def test_what_is_drawn_is_in_the_file() -> None:
    figure = Figure(figsize=(1, 1), facecolor="#0b6e8f")
    assert Image.open(io.BytesIO(to_png(figure))).convert("RGB").getpixel((5, 5)) == (0x0B, 0x6E, 0x8F)
