"""The one door to Augmentor: reproducible changes of a photograph that leave its diagnosis as it is."""

import io
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import cast

import numpy as np
from PIL import Image

from melanoma.images.decoding import ImageSpec, decode, read_header
from melanoma.images.pixels import Pixels

with warnings.catch_warnings():
    # Its docstrings hold formulas in plain strings; Python warns of their backslashes when it first compiles them.
    warnings.filterwarnings("ignore", "invalid escape sequence")
    from Augmentor import Pipeline

_QUALITY = 95  # of a JPEG: what augmentation changes should outweigh what compression does
_one_at_a_time = threading.Lock()


@cache
def _operations() -> Callable[[Image.Image], Image.Image]:
    """Quarter turns, flips, a small rotation, a small zoom, a little contrast: a lesion has no upright."""
    pipeline = Pipeline()
    pipeline.rotate_random_90(probability=0.75)
    pipeline.flip_left_right(probability=0.5)
    pipeline.flip_top_bottom(probability=0.5)
    pipeline.rotate(probability=0.5, max_left_rotation=20, max_right_rotation=20)
    pipeline.zoom(probability=0.5, min_factor=1.05, max_factor=1.25)
    pipeline.random_contrast(probability=0.5, min_factor=0.8, max_factor=1.2)
    # `sample()` rounds its dice, uses threads and writes files beside the originals; this form does none of it.
    return cast("Callable[[Image.Image], Image.Image]", pipeline.torch_transform())


@contextmanager
def _seeded(key: tuple[int, ...]) -> Iterator[None]:
    """Throws Augmentor's dice, the global ones of Python and NumPy, from a key and puts them back afterwards."""
    with _one_at_a_time:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        first, second = np.random.SeedSequence(key).generate_state(2)
        try:
            random.seed(int(first))
            np.random.seed(int(second))
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def augment(pixels: Pixels, key: tuple[int, ...]) -> Pixels:
    """Changes one training photograph by rotation, flips, zoom and contrast.

    Threads take turns, and other users of the global dice must wait: they are not theirs while a photograph changes.

    Args:
        pixels: Array of shape (height, width, 3), 0 to 255.
        key: Whole numbers >= 0, such as (seed, epoch, position); one key always gives one result.

    Returns:
        Array of the same shape and range.
    """
    height, width = pixels.shape[:2]
    changed = _changed(pixels, key)
    # A quarter turn of a photograph that is not square swaps its sides.
    upright = changed if changed.size == (width, height) else changed.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(upright, np.uint8)


def view(data: bytes, size: tuple[int, int], key: tuple[int, ...]) -> Pixels:
    """Decodes one photograph as scoring would, whole and stretched to the size, and changes it.

    Args:
        data: A complete file.
        size: Height and width of the result, pixels.
        key: As for `augment`.

    Returns:
        Array of shape (height, width, 3), 0 to 255.

    Raises:
        ImageError: The bytes are no photograph or a damaged one.
    """
    return augment(decode(data, ImageSpec(*size)), key)


def variant(data: bytes, key: tuple[int, ...]) -> bytes:
    """Changes one photograph in its own size and encodes it; a quarter turn swaps its sides.

    Args:
        data: A complete file.
        key: As for `augment`; one key always gives the same bytes, as long as Pillow and Augmentor are the same.

    Returns:
        A JPEG file without metadata.

    Raises:
        ImageError: The bytes are no photograph or a damaged one.
    """
    header = read_header(data)
    width, height = header.upright_size
    file = io.BytesIO()
    _changed(decode(data, ImageSpec(height, width), header), key).save(file, "jpeg", quality=_QUALITY)
    return file.getvalue()


def _changed(pixels: Pixels, key: tuple[int, ...]) -> Image.Image:
    with _seeded(key):
        return _operations()(Image.fromarray(pixels))
