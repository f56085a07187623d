"""The augmentation policy `views`: random crop, scale, rotation, colour, sharpness and compression.

Training photographs should vary as cameras, operators and exports make them vary, without a change of the diagnosis.
One affine map does the geometry, and one 3x3 matrix with an offset does the colours. OpenCV is imported here only.
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
from melanoma.training.data import overlays

_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
cv2.setNumThreads(1)  # callers already make several views at the same time


@dataclass(frozen=True)
class Strength:
    """How much views may differ from the photograph.

    Attributes:
        scale: Smallest and largest side of the crop, as shares of the photograph's shorter side.
        shift: Largest distance between the centres of crop and photograph, as a share of the shorter side.
        stretch: Largest change of the aspect ratio, as the natural logarithm of a factor.
        turn: Largest angle in degrees, in addition to quarter turns.
        colour: Standard deviation of the natural logarithms of the factors for brightness, contrast and saturation;
            channels and hue vary half as much.
        blur: Probability of a loss of detail by scaling down and up again.
        compress: Probability of JPEG compression with a quality of 30 to 90.
        detail: Smallest and largest share of the pixels of a side that a loss of detail leaves.
        border: Probability of a dark border around a circle.
        sticker: Probability of a coloured sticker at the edge.
    """

    scale: tuple[float, float] = (0.5, 1.0)
    shift: float = 0.2
    stretch: float = 0.15
    turn: float = 20.0
    colour: float = 0.1
    blur: float = 0.2
    compress: float = 0.4
    detail: tuple[float, float] = (0.4, 0.9)
    border: float = 0.0
    sticker: float = 0.0


# Several hospitals: other fields of view, photographs that were squashed to a square, other lights and cameras.
ACROSS_HOSPITALS = Strength(
    scale=(0.45, 1.0), stretch=0.3, colour=0.15, blur=0.5, detail=(0.3, 0.9), compress=0.5, border=0.15, sticker=0.1
)


def random_view(data: bytes, size: tuple[int, int], key: tuple[int, ...], strength: Strength | None = None) -> Pixels:
    """Decodes a photograph and returns a random view of it; safe to call from several threads.

    Args:
        data: A complete image file.
        size: Height and width of the result in pixels.
        key: Integers >= 0, such as (seed, epoch, position); the same key gives the same view.
        strength: How much the view may differ; None for the default.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ImageError: The file is damaged or not a photograph.
    """
    strength, rng = strength or Strength(), np.random.default_rng(key)
    pixels = _warp(_decode(data, size), size, rng, strength)
    if strength.sticker and rng.random() < strength.sticker:
        pixels = overlays.sticker(pixels, rng)
    if strength.border and rng.random() < strength.border:
        pixels = overlays.dark_border(pixels, rng)
    pixels = _recolour(pixels, rng, strength)
    if rng.random() < strength.blur:
        pixels = _blur(pixels, rng, strength)
    if rng.random() < strength.compress:
        pixels = _compress(pixels, int(rng.integers(30, 91)))
    return pixels


def view_across_hospitals(data: bytes, size: tuple[int, int], key: tuple[int, ...]) -> Pixels:
    """Returns a random view that differs as photographs of different hospitals do, see `random_view`."""
    return random_view(data, size, key, ACROSS_HOSPITALS)


def blend(first: Pixels, second: Pixels, weight: float) -> Pixels:
    """Returns the weighted mean of two batches of photographs.

    Args:
        first: uint8 (photographs, height, width, 3).
        second: uint8 of the same shape.
        weight: Weight of `first`, 0 to 1; `second` has the rest.

    Returns:
        uint8 of the same shape, rounded.
    """
    rows = len(first), -1  # OpenCV takes an image, not a batch
    mean = cv2.addWeighted(first.reshape(rows), weight, second.reshape(rows), 1 - weight, 0)
    return _pixels(mean).reshape(first.shape)


def _decode(data: bytes, size: tuple[int, int]) -> Pixels:
    """Decodes at the photograph's own aspect ratio, no larger than views of that size can use."""
    header = read_header(data)
    width, height = header.upright_size
    scale = min(1.0, 1.5 * max(size) / min(width, height))
    return decode(data, ImageSpec(max(1, round(height * scale)), max(1, round(width * scale))), header)


def _warp(photograph: Pixels, size: tuple[int, int], rng: np.random.Generator, strength: Strength) -> Pixels:
    """Crops, scales, stretches, rotates and mirrors by one affine map; edges are continued by reflection."""
    height, width = photograph.shape[:2]
    short = min(width, height)
    side = short * rng.uniform(*strength.scale)
    angle = math.radians(90 * rng.integers(4) + rng.uniform(-strength.turn, strength.turn))
    stretch, mirrored = math.exp(rng.uniform(-strength.stretch, strength.stretch) / 2), 1 - 2 * rng.integers(2)
    right, down = side / size[1] * stretch * mirrored, side / size[0] / stretch
    cos, sin = math.cos(angle), math.sin(angle)
    centre = []
    for length in (width, height):
        free = min(strength.shift * short, max(0.0, (length - side) / 2))
        centre.append(length / 2 + rng.uniform(-free, free))
    matrix = np.array([[cos * right, -sin * down], [sin * right, cos * down]])
    # In OpenCV, coordinates count from the centre of the first pixel, in both images.
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


def _recolour(pixels: Pixels, rng: np.random.Generator, strength: Strength) -> Pixels:
    """Changes brightness, white balance, saturation, contrast and hue slightly."""
    gains = np.exp(rng.normal(0, strength.colour / 2, 3) + rng.normal(0, strength.colour))
    saturation, contrast = np.exp(rng.normal(0, strength.colour, 2))
    matrix = np.diag(gains) @ (saturation * np.eye(3) + (1 - saturation) * np.outer(np.ones(3), _GREY))
    matrix = contrast * (matrix @ _hue_rotation(rng.normal(0, strength.colour / 2)))
    offset = (1 - contrast) * gains * np.array(cv2.mean(pixels)[:3])
    return _pixels(cv2.transform(pixels, np.column_stack((matrix, offset))))


def _pixels(array: Any) -> Pixels:
    """Adds the type that OpenCV's annotations lack; for uint8 input, its results are rounded and clipped to uint8."""
    return np.asarray(array, np.uint8)


def _hue_rotation(angle: float) -> npt.NDArray[np.float64]:
    """Returns the rotation about the grey axis by an angle in radians (Rodrigues' formula), float64 (3, 3)."""
    axis = np.full(3, 1 / math.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross))


def _blur(pixels: Pixels, rng: np.random.Generator, strength: Strength) -> Pixels:
    image, scale = Image.fromarray(pixels), rng.uniform(*strength.detail)
    small = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BICUBIC))


def _compress(pixels: Pixels, quality: int) -> Pixels:
    return decode(encoding.encode(pixels, "jpeg", quality), ImageSpec(*pixels.shape[:2]))
