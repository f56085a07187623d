"""Out-of-distribution images that Pillow draws: printed pages, line drawings and screenshots.

Each function takes a random generator, a height and a width in pixels, and returns uint8 (height, width, 3).
"""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from melanoma.images.pixels import Pixels

_WORDS = (
    "patient",
    "report",
    "of the clinic",
    "date",
    "name",
    "page",
    "1 2 3",
    "total",
    "see over",
    "and not",
    "for a",
)


def colour(rng: np.random.Generator) -> tuple[int, ...]:
    """Returns a random colour: red, green and blue, each 0 to 255."""
    return tuple(int(value) for value in rng.integers(0, 256, 3))


def text(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """Draws a printed page."""
    page, pen = _canvas(height, width, (int(rng.integers(225, 256)),) * 3)
    font_size, left = int(rng.integers(height // 20, height // 8)), int(rng.integers(0, width // 6))
    for y in range(left, height, int(font_size * 1.4)):
        pen.text((left, y), " ".join(rng.choice(_WORDS, 12)), (int(rng.integers(0, 80)),) * 3, _font(font_size))
    return np.asarray(page)


def drawing(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """Draws lines, rectangles and ellipses on a plain background."""
    paper, pen = _canvas(height, width, colour(rng))
    for _ in range(rng.integers(4, 14)):
        left, right = sorted(int(value) for value in rng.integers(0, width, 2))
        top, bottom = sorted(int(value) for value in rng.integers(0, height, 2))
        box, line_width = (left, top, right, bottom), int(rng.integers(1, 6))
        fill = colour(rng) if rng.random() < 0.4 else None
        shape = rng.integers(3)
        if shape == 0:
            pen.line(box, colour(rng), line_width)
        else:
            (pen.rectangle if shape == 1 else pen.ellipse)(box, fill, colour(rng), line_width)
    return np.asarray(paper)


def screen(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """Draws the window of a program: a title bar, a menu and a table."""
    window, pen = _canvas(height, width, (int(rng.integers(215, 256)),) * 3)
    bar, row = height // int(rng.integers(7, 14)), height // int(rng.integers(9, 16))
    menu, font_size = int(width * rng.uniform(0.15, 0.35)), max(8, height // 20)
    pen.rectangle((0, bar, menu, height), colour(rng))
    pen.rectangle((0, 0, width, bar), colour(rng))
    for y in range(bar + row // 2, height, row):
        pen.text((4, y), str(rng.choice(_WORDS)), (20, 20, 20), _font(font_size))
        pen.text((menu + 6, y), " ".join(rng.choice(_WORDS, 5)), (60, 60, 60), _font(font_size))
        pen.line((menu, y + font_size + 2, width, y + font_size + 2), (190, 190, 190))
    return np.asarray(window)


def _canvas(height: int, width: int, background: tuple[int, ...]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("RGB", (width, height), background)
    return canvas, ImageDraw.Draw(canvas)


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
