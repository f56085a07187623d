"""Runs the header check and the decoder on a file, and Pillow for comparison."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.headers import read_header

SPEC = ImageSpec(32, 48)


def refusal(data: bytes) -> ImageError:
    """Returns the error with which the header check refuses a file."""
    with pytest.raises(ImageError) as caught:
        read_header(data)
    return caught.value


def kind_of(data: bytes, spec: ImageSpec = SPEC) -> ErrorKind | None:
    """Decodes a file; returns the kind of the refusal, or None for pixels of the right shape and type."""
    try:
        pixels = decode(data, spec)
    except ImageError as error:
        return error.kind
    assert pixels.shape == (spec.height, spec.width, 3)
    assert pixels.dtype == np.uint8
    return None


def by_pillow(data: bytes, spec: ImageSpec) -> npt.NDArray[np.int64]:
    """Decodes at full size with Pillow, turns the image upright, then resizes once."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    return np.asarray(image.resize((spec.width, spec.height), Image.Resampling.BILINEAR)).astype(np.int64)
