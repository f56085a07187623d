"""The only module that imports Augmentor: reproducible changes that keep the diagnosis of a photograph.

Bloice, Roth, Holzinger: "Biomedical image augmentation using Augmentor", Bioinformatics 35, 2019.
"""

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
    # Augmentor has formulas in ordinary strings; Python warns about the backslashes when it first compiles them.
    warnings.filterwarnings("ignore", "invalid escape sequence")
    from Augmentor import Pipeline

_JPEG_QUALITY = 95  # high, so that augmentation changes more than compression does
_lock = threading.Lock()


@cache
def _operations() -> Callable[[Image.Image], Image.Image]:
    """Builds the operations: a lesion has no upright orientation, so quarter turns and flips are all plausible."""
    pipeline = Pipeline()
    pipeline.rotate_random_90(probability=0.75)
    pipeline.flip_left_right(probability=0.5)
    pipeline.flip_top_bottom(probability=0.5)
    pipeline.rotate(probability=0.5, max_left_rotation=20, max_right_rotation=20)
    pipeline.zoom(probability=0.5, min_factor=1.05, max_factor=1.25)
    pipeline.random_contrast(probability=0.5, min_factor=0.8, max_factor=1.2)
    # Not `sample()`: it rounds random numbers, uses threads and writes files beside the originals.
    return cast("Callable[[Image.Image], Image.Image]", pipeline.torch_transform())


@contextmanager
def _seeded(key: tuple[int, ...]) -> Iterator[None]:
    """Seeds the global generators of Python and NumPy, which Augmentor uses, and restores them afterwards."""
    with _lock:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        python_seed, numpy_seed = np.random.SeedSequence(key).generate_state(2)
        try:
            random.seed(int(python_seed))
            np.random.seed(int(numpy_seed))
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def augment(pixels: Pixels, key: tuple[int, ...]) -> Pixels:
    """Applies random rotation, flips, zoom and contrast to one photograph.

    Calls from several threads run one after the other. Other code that uses the global random generators must not run
    at the same time.

    Args:
        pixels: uint8 (height, width, 3).
        key: Integers >= 0, such as (seed, epoch, position); the same key gives the same result.

    Returns:
        uint8 array of the same shape.
    """
    height, width = pixels.shape[:2]
    image = _augmented_image(pixels, key)
    # A quarter turn swaps the sides of a photograph that is not square.
    resized = image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized, np.uint8)


def augmented_view(data: bytes, size: tuple[int, int], key: tuple[int, ...]) -> Pixels:
    """Decodes a photograph as scoring does without a crop, and augments it.

    Args:
        data: A complete image file.
        size: Height and width of the result in pixels.
        key: As for `augment`.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ImageError: The file is damaged or not a photograph.
    """
    return augment(decode(data, ImageSpec(*size)), key)


def augmented_file(data: bytes, key: tuple[int, ...]) -> bytes:
    """Augments a photograph at its own size and encodes it as JPEG; a quarter turn swaps its sides.

    Args:
        data: A complete image file.
        key: As for `augment`; with the same versions of Pillow and Augmentor, the same key gives the same bytes.

    Returns:
        A JPEG file without metadata.

    Raises:
        ImageError: The file is damaged or not a photograph.
    """
    header = read_header(data)
    width, height = header.upright_size
    file = io.BytesIO()
    image = _augmented_image(decode(data, ImageSpec(height, width), header), key)
    image.save(file, "jpeg", quality=_JPEG_QUALITY)
    return file.getvalue()


def _augmented_image(pixels: Pixels, key: tuple[int, ...]) -> Image.Image:
    with _seeded(key):
        return _operations()(Image.fromarray(pixels))
