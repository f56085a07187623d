"""Out-of-distribution (OOD) images, which show no lesions, to measure whether the OOD score detects them.

They are generated or come with installed packages, and they are far from any lesion. Detecting them shows nothing about
photographs that are nearly right, such as those of another skin disease or from another camera.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.cbook
import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.datasets import load_sample_images

from melanoma.images import decoding
from melanoma.images.pixels import Pixels
from melanoma.training.calibration import ood_drawings

_Generate = Callable[[np.random.Generator, int, int], npt.NDArray[Any]]

_SCENE = 512  # side in pixels to which scenes are scaled before a part is cut out


def generate(kind: str, count: int, size: tuple[int, int], seed: int) -> Pixels:
    """Generates images of one kind; the same seed gives the same images.

    Args:
        kind: One of `KINDS`.
        count: Number of images, at least 1.
        size: Height and width in pixels.
        seed: At least 0.

    Returns:
        uint8 (count, height, width, 3).
    """
    rng = np.random.default_rng((seed, list(KINDS).index(kind)))
    images = [KINDS[kind](rng, *size) for _ in range(count)]
    return np.stack([np.clip(image, 0, 255).astype(np.uint8) for image in images])


def _blank(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[Any]:
    """One colour (black, white, grey or any other) with little or no noise."""
    grey = (int(rng.integers(0, 256)),) * 3
    colours = [(0, 0, 0), (255, 255, 255), grey, ood_drawings.colour(rng), ood_drawings.colour(rng)]
    plain = np.full((height, width, 3), colours[rng.integers(len(colours))], np.float64)
    return plain + rng.normal(0, rng.choice([0, 1, 2]), plain.shape)


def _noise(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[Any]:
    """Noise with grains of one to eight pixels, coloured or grey."""
    grain, channels = int(rng.choice([1, 2, 4, 8])), int(rng.choice([1, 3]))
    grains = rng.normal(128, rng.uniform(20, 90), (-(-height // grain), -(-width // grain), channels))
    enlarged = grains.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    return enlarged.repeat(3 // channels, axis=2)


def _gradient(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[Any]:
    """A gradient from one colour to another, along a line or around a point."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2)
    linear = np.cos(angle) * x + np.sin(angle) * y
    distance = linear if rng.random() < 0.5 else np.hypot(y - centre[0], x - centre[1])
    weight = ((distance - distance.min()) / np.ptp(distance))[..., None]
    first, second = np.array([ood_drawings.colour(rng), ood_drawings.colour(rng)], np.float64)
    return np.asarray(weight * first + (1 - weight) * second)


def _pattern(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[Any]:
    """A checkerboard or stripes in two colours."""
    y, x = np.mgrid[0:height, 0:width] // int(rng.integers(3, 40))
    cells = (x + y) % 2 if rng.random() < 0.6 else x % 2
    turned = cells.T if height == width and rng.random() < 0.5 else cells
    return np.asarray(np.array([ood_drawings.colour(rng), ood_drawings.colour(rng)])[turned])


def _scene(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[Any]:
    """A part of a photograph of a temple, a flower or a person."""
    scene = scenes()[rng.integers(len(scenes()))]
    side = int(rng.integers(_SCENE // 4, _SCENE))
    top, left = (int(value) for value in rng.integers(0, _SCENE - side, 2))
    part = Image.fromarray(scene[top : top + side, left : left + side])
    return np.asarray(part.resize((width, height), Image.Resampling.BICUBIC))


# The names appear in bundle.json, and the order is part of the seed.
KINDS: dict[str, _Generate] = {
    "blank": _blank,
    "noise": _noise,
    "gradient": _gradient,
    "pattern": _pattern,
    "text": ood_drawings.text,
    "drawing": ood_drawings.drawing,
    "screen": ood_drawings.screen,
    "scene": _scene,
}


@cache
def scenes() -> list[Pixels]:
    """Returns the photographs that come with scikit-learn and Matplotlib, each uint8 (512, 512, 3)."""
    portrait = Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).read_bytes()
    photographs = [Image.fromarray(scene) for scene in load_sample_images().images]
    square = [np.asarray(photograph.resize((_SCENE, _SCENE))) for photograph in photographs]
    return [*square, decoding.decode(portrait, decoding.ImageSpec(_SCENE, _SCENE))]
