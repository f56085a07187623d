"""Resizes of other frameworks, to recognise the difference that they make; a nightly run uses none of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.images.pixels import Pixels

_STAYS = (
    "; this program does not, so the difference stays: accept it with "
    "--tolerance, or compare answers for photographs that have the network's size already"
)


class Resize(NamedTuple):
    """One way to resize.

    Attributes:
        name: A short name.
        remedy: What it means for the user, empty for the resize of a nightly run.
        apply: Function of uint8 pixels, height and width; None for the resize of a nightly run.
    """

    name: str
    remedy: str
    apply: Callable[[Pixels, int, int], Pixels] | None


def _by_pillow(resampling: Image.Resampling) -> Callable[[Pixels, int, int], Pixels]:
    return lambda pixels, height, width: np.array(Image.fromarray(pixels).resize((width, height), resampling))


def _by_tensorflow(pixels: Pixels, height: int, width: int) -> Pixels:
    resized_pixels = tf.image.resize(pixels, (height, width), antialias=False).numpy()
    return np.asarray(np.clip(np.rint(resized_pixels), 0, 255), np.uint8)


RESIZES = (
    Resize("ours", "", None),
    Resize(
        "full",
        f"the JPEG decoded in full before an antialiased bilinear resize, as Pillow and Keras do{_STAYS}",
        _by_pillow(Image.Resampling.BILINEAR),
    ),
    Resize(
        "nearest",
        f"a resize to the nearest pixel, as keras.utils.load_img does{_STAYS}",
        _by_pillow(Image.Resampling.NEAREST),
    ),
    Resize(
        "bilinear",
        f"a bilinear resize without antialiasing, as tf.image.resize and OpenCV do{_STAYS}",
        _by_tensorflow,
    ),
    Resize("bicubic", f"a bicubic resize, as timm does{_STAYS}", _by_pillow(Image.Resampling.BICUBIC)),
)


def resized(data: bytes, spec: ImageSpec, resize: Resize) -> Pixels:
    """Decodes a photograph and resizes it in one of the ways.

    Args:
        data: The file.
        spec: Size and crop of the result.
        resize: One of `RESIZES`.

    Returns:
        uint8 array (height, width, 3).

    Raises:
        ImageError: The bytes are not a photograph.
    """
    if resize.apply is None:
        return decode(data, spec)
    width, height = read_header(data).upright_size
    pixels = decode(data, ImageSpec(height, width))
    if spec.crop is not None:
        zoom = spec.crop * min(width / spec.width, height / spec.height)
        rows, columns = round(zoom * spec.height), round(zoom * spec.width)
        top, left = (height - rows) // 2, (width - columns) // 2
        pixels = pixels[top : top + rows, left : left + columns]
    return resize.apply(pixels, spec.height, spec.width)
