"""Views of a training photograph: another crop, scale, turn, colour, sharpness and compression each time.

What the network meets in training should vary as cameras, operators and whoever exports the files vary them, and leave
the diagnosis as it is. One affine map makes the geometry, one 3x3 matrix and one curve the colours.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.images.pixels import Pixels

_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
cv2.setNumThreads(1)  # whoever draws views runs several at once already


@dataclass(frozen=True)
class Strength:
    """How far views may go.

    Attributes:
        scale: Least and largest side of the crop, as shares of the photograph's shorter side.
        shift: Largest distance of the crop's centre from the photograph's, as a share of the shorter side.
        stretch: Largest change of the aspect ratio, as the logarithm of a factor.
        turn: Largest angle in degrees on top of quarter turns.
        colour: Standard deviation of what multiplies each channel, contrast and saturation, as a logarithm.
        blur: Probability that detail is lost to a smaller size in between.
        compress: Probability that it passes through a JPEG of quality 30 to 90.
    """

    scale: tuple[float, float] = (0.5, 1.0)
    shift: float = 0.2
    stretch: float = 0.15
    turn: float = 20.0
    colour: float = 0.1
    blur: float = 0.2
    compress: float = 0.4


def view(data: bytes, size: tuple[int, int], key: tuple[int, ...], strength: Strength | None = None) -> Pixels:
    """Draws one view of a photograph; safe to call from several threads.

    Args:
        data: A complete file.
        size: Height and width of the result, pixels.
        key: Whole numbers >= 0, such as (seed, epoch, position); one key always gives one view.
        strength: How far it may go.

    Returns:
        Array of shape (height, width, 3), 0 to 255.

    Raises:
        ImageError: The bytes are no photograph or a damaged one.
    """
    strength, dice = strength or Strength(), np.random.default_rng(key)
    pixels = _cut(_decoded(data, size), size, dice, strength)
    pixels = _coloured(pixels, dice, strength)
    if dice.random() < strength.blur:
        pixels = _blurred(pixels, dice)
    if dice.random() < strength.compress:
        pixels = _compressed(pixels, int(dice.integers(30, 91)))
    return pixels


def blend(some: Pixels, others: Pixels, share: float) -> Pixels:
    """Lays photographs over others.

    Args:
        some: uint8 (photographs, height, width, 3).
        others: Of the same shape.
        share: Of each result that comes from `some`, 0 to 1.

    Returns:
        uint8 of their shape, rounded.
    """
    rows = len(some), -1  # OpenCV takes pictures, not batches
    return _pixels(cv2.addWeighted(some.reshape(rows), share, others.reshape(rows), 1 - share, 0)).reshape(some.shape)


def _decoded(data: bytes, size: tuple[int, int]) -> Pixels:
    """Decodes with its own aspect ratio, no larger than views of that size can use."""
    header = read_header(data)
    width, height = header.upright_size
    share = min(1.0, 1.5 * max(size) / min(width, height))
    return decode(data, ImageSpec(max(1, round(height * share)), max(1, round(width * share))), header)


def _cut(photograph: Pixels, size: tuple[int, int], dice: np.random.Generator, strength: Strength) -> Pixels:
    """Maps each pixel of the result to its place in the photograph, mirrored at its edges."""
    height, width = photograph.shape[:2]
    short = min(width, height)
    side = short * dice.uniform(*strength.scale)
    angle = math.radians(90 * dice.integers(4) + dice.uniform(-strength.turn, strength.turn))
    stretch, mirrored = math.exp(dice.uniform(-strength.stretch, strength.stretch) / 2), 1 - 2 * dice.integers(2)
    right, down = side / size[1] * stretch * mirrored, side / size[0] / stretch
    cos, sin = math.cos(angle), math.sin(angle)
    centre = []
    for length in (width, height):
        free = min(strength.shift * short, max(0.0, (length - side) / 2))
        centre.append(length / 2 + dice.uniform(-free, free))
    matrix = np.array([[cos * right, -sin * down], [sin * right, cos * down]])
    # OpenCV counts from the middle of the first pixel, in both pictures.
    origin = np.array(centre) - matrix @ np.array([size[1] - 1, size[0] - 1]) / 2 - 0.5
    return _pixels(
        cv2.warpAffine(
            photograph,
            np.column_stack((matrix, origin)),
            (size[1], size[0]),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    )


def _coloured(pixels: Pixels, dice: np.random.Generator, strength: Strength) -> Pixels:
    """Changes light, white balance, saturation, contrast and hue a little."""
    gains = np.exp(dice.normal(0, strength.colour / 2, 3) + dice.normal(0, strength.colour))
    saturation, contrast = np.exp(dice.normal(0, strength.colour, 2))
    matrix = np.diag(gains) @ (saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), _GREY))
    matrix = contrast * (matrix @ _hue_turn(dice.normal(0, strength.colour / 2)))
    offset = (1 - contrast) * gains * np.array(cv2.mean(pixels)[:3])
    return _pixels(cv2.transform(pixels, np.column_stack((matrix, offset))))


def _pixels(array: Any) -> Pixels:
    """Says what OpenCV's types do not: bytes in, bytes out, rounded and cut off at 0 and 255."""
    return np.asarray(array, np.uint8)


def _hue_turn(angle: float) -> npt.NDArray[np.float64]:
    """Turns colours about the grey axis by an angle in radians (Rodrigues)."""
    axis = np.full(3, 1 / math.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross))


def _blurred(pixels: Pixels, dice: np.random.Generator) -> Pixels:
    image, share = Image.fromarray(pixels), dice.uniform(0.4, 0.9)
    small = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return np.asarray(image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BICUBIC))


def _compressed(pixels: Pixels, quality: int) -> Pixels:
    return decode(encoding.encode(pixels, "jpeg", quality), ImageSpec(*pixels.shape[:2]))
