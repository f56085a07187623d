"""What lies over or around a lesion in dermoscopy and depends on the hospital: dark borders and coloured stickers."""

import numpy as np
import numpy.typing as npt

from melanoma.images.pixels import Pixels

_Mask = npt.NDArray[np.float32]


def dark_border(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Darkens what lies outside a circle, as the tube of a dermatoscope does.

    Args:
        pixels: uint8 (height, width, 3).
        rng: Decides on centre, radius (0.45 to 0.7 of the shorter side), darkness and width of the transition.

    Returns:
        uint8 of the same shape.
    """
    height, width = pixels.shape[:2]
    short = min(height, width)
    centre = rng.uniform(-0.08, 0.08, 2) * short + (height / 2, width / 2)
    outside = _outside(pixels, centre, np.full(2, rng.uniform(0.45, 0.7) * short), edge=rng.uniform(0.01, 0.06))
    return _blend(pixels, outside * np.float32(rng.uniform(0.8, 1.0)), rng.uniform(0, 25, 3))


def sticker(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Draws a coloured ellipse at the edge, like the stickers that mark lesions in some collections.

    Args:
        pixels: uint8 (height, width, 3).
        rng: Decides on colour, size (0.1 to 0.3 of each side) and place; at most half of it is cut off by the edge.

    Returns:
        uint8 of the same shape.
    """
    sides = np.array(pixels.shape[:2])
    place = rng.uniform(0.05, 0.95, 2)
    place[rng.integers(2)] = rng.choice([0.0, 1.0])
    inside = 1 - _outside(pixels, place * sides, rng.uniform(0.1, 0.3, 2) * sides, edge=0.05)
    hue = rng.permutation([rng.uniform(100, 200), rng.uniform(0, 200), 0.0])
    return _blend(pixels, inside, hue + rng.uniform(0, 55))


def _outside(pixels: Pixels, centre: npt.ArrayLike, radii: npt.NDArray[np.float64], edge: float) -> _Mask:
    """Returns how far each pixel lies outside an ellipse: 0 inside, 1 beyond the edge, float32 (height, width)."""
    rows, columns = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    top, left = np.asarray(centre)
    distance = np.sqrt(((rows - top) / radii[0]) ** 2 + ((columns - left) / radii[1]) ** 2)
    return np.asarray(np.clip((distance - 1) / edge, 0, 1), np.float32)


def _blend(pixels: Pixels, weight: _Mask, colour: npt.ArrayLike) -> Pixels:
    target = np.clip(np.asarray(colour, np.float32), 0, 255)
    mixed = pixels + weight[..., None] * (target - pixels)
    return np.asarray(np.rint(mixed), np.uint8)
