"""Pictures that are no photographs of lesions, to measure whether a network notices.

They are drawn here or carried by packages, and far from any lesion. Noticing them says nothing of photographs that are
nearly right, such as another disease of the skin or another camera.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.cbook
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from melanoma.images import decoding
from melanoma.images.pixels import Pixels

Dice = np.random.Generator
_Draw = Callable[[Dice, int, int], npt.NDArray[Any]]

_SCENE = 512  # pixels to a side, to which scenes are brought before they are cut
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


def draw(kind: str, count: int, size: tuple[int, int], seed: int) -> Pixels:
    """Draws pictures of one kind, the same ones for the same seed.

    Args:
        kind: One of `KINDS`.
        count: How many.
        size: Height and width, pixels.
        seed: At least 0.

    Returns:
        uint8 (count, height, width, 3).
    """
    dice = np.random.default_rng((seed, list(KINDS).index(kind)))
    pictures = [KINDS[kind](dice, *size) for _ in range(count)]
    return np.stack([np.clip(picture, 0, 255).astype(np.uint8) for picture in pictures])


def _colour(dice: Dice) -> tuple[int, ...]:
    return tuple(int(value) for value in dice.integers(0, 256, 3))


def _blank(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """One colour: black, white, grey or any other, with next to no noise."""
    grey = (int(dice.integers(0, 256)),) * 3
    colours = [(0, 0, 0), (255, 255, 255), grey, _colour(dice), _colour(dice)]
    plain = np.full((height, width, 3), colours[dice.integers(len(colours))], np.float64)
    return plain + dice.normal(0, dice.choice([0, 1, 2]), plain.shape)


def _noise(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """Grains of one to eight pixels, coloured or grey."""
    grain, channels = int(dice.choice([1, 2, 4, 8])), int(dice.choice([1, 3]))
    grains = dice.normal(128, dice.uniform(20, 90), (-(-height // grain), -(-width // grain), channels))
    spread = grains.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    return spread.repeat(3 // channels, axis=2)


def _gradient(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """From one colour to another, along a line or around a point."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle, centre = dice.uniform(0, 2 * np.pi), dice.uniform(0, 1, 2)
    along = np.cos(angle) * x + np.sin(angle) * y
    way = along if dice.random() < 0.5 else np.hypot(y - centre[0], x - centre[1])
    share = ((way - way.min()) / np.ptp(way))[..., None]
    first, second = np.array([_colour(dice), _colour(dice)], np.float64)
    return np.asarray(share * first + (1 - share) * second)


def _pattern(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """Checkerboards and stripes in two colours."""
    y, x = np.mgrid[0:height, 0:width] // int(dice.integers(3, 40))
    cells = (x + y) % 2 if dice.random() < 0.6 else x % 2
    turned = cells.T if height == width and dice.random() < 0.5 else cells
    return np.asarray(np.array([_colour(dice), _colour(dice)])[turned])


def _text(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """A printed page."""
    page, pen = _canvas(height, width, (int(dice.integers(225, 256)),) * 3)
    letters, left = int(dice.integers(height // 20, height // 8)), int(dice.integers(0, width // 6))
    for y in range(left, height, int(letters * 1.4)):
        pen.text((left, y), " ".join(dice.choice(_WORDS, 12)), (int(dice.integers(0, 80)),) * 3, _font(letters))
    return np.asarray(page)


def _drawing(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """Lines, boxes and ellipses on plain paper."""
    paper, pen = _canvas(height, width, _colour(dice))
    for _ in range(dice.integers(4, 14)):
        left, right = sorted(int(value) for value in dice.integers(0, width, 2))
        top, bottom = sorted(int(value) for value in dice.integers(0, height, 2))
        box, line = (left, top, right, bottom), int(dice.integers(1, 6))
        fill = _colour(dice) if dice.random() < 0.4 else None
        shape = dice.integers(3)
        if shape == 0:
            pen.line(box, _colour(dice), line)
        else:
            (pen.rectangle if shape == 1 else pen.ellipse)(box, fill, _colour(dice), line)
    return np.asarray(paper)


def _screen(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """A window of a program: a bar, a menu, a table."""
    screen, pen = _canvas(height, width, (int(dice.integers(215, 256)),) * 3)
    bar, row = height // int(dice.integers(7, 14)), height // int(dice.integers(9, 16))
    menu, letters = int(width * dice.uniform(0.15, 0.35)), max(8, height // 20)
    pen.rectangle((0, bar, menu, height), _colour(dice))
    pen.rectangle((0, 0, width, bar), _colour(dice))
    for y in range(bar + row // 2, height, row):
        pen.text((4, y), str(dice.choice(_WORDS)), (20, 20, 20), _font(letters))
        pen.text((menu + 6, y), " ".join(dice.choice(_WORDS, 5)), (60, 60, 60), _font(letters))
        pen.line((menu, y + letters + 2, width, y + letters + 2), (190, 190, 190))
    return np.asarray(screen)


def _scene(dice: Dice, height: int, width: int) -> npt.NDArray[Any]:
    """A part of a photograph of a temple, a flower or a portrait."""
    scene = scenes()[dice.integers(len(scenes()))]
    side = int(dice.integers(_SCENE // 4, _SCENE))
    top, left = (int(value) for value in dice.integers(0, _SCENE - side, 2))
    part = Image.fromarray(scene[top : top + side, left : left + side])
    return np.asarray(part.resize((width, height), Image.Resampling.BICUBIC))


KINDS: dict[str, _Draw] = {
    "blank": _blank,
    "noise": _noise,
    "gradient": _gradient,
    "pattern": _pattern,
    "text": _text,
    "drawing": _drawing,
    "screen": _screen,
    "scene": _scene,
}


def _canvas(height: int, width: int, colour: tuple[int, ...]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("RGB", (width, height), colour)
    return canvas, ImageDraw.Draw(canvas)


@cache
def _font(letters: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(letters)


@cache
def scenes() -> list[Pixels]:
    """The photographs that scikit-learn and Matplotlib carry, each (512, 512, 3)."""
    portrait = Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).read_bytes()
    photographs = [Image.fromarray(scene) for scene in load_sample_images().images]
    square = [np.asarray(photograph.resize((_SCENE, _SCENE))) for photograph in photographs]
    return [*square, decoding.decode(portrait, decoding.ImageSpec(_SCENE, _SCENE))]
