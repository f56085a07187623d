"""Pixels become JPEG and PNG files that say how they are to be turned."""

import io

import numpy as np
import pytest
from PIL import Image

from melanoma.images.encoding import Format, encode
from melanoma.images.headers import read_header
from melanoma.samples.phantoms import draw


def test_png_keeps_every_value_and_jpeg_comes_close() -> None:
    pixels = draw(0, 48, 64)
    png, jpeg = (np.array(Image.open(io.BytesIO(encode(pixels, format)))) for format in ("png", "jpeg"))
    assert np.array_equal(png, pixels)
    assert 0 < np.abs(jpeg.astype(int) - pixels).mean() < 8


def test_jpeg_quality_moves_the_size() -> None:
    pixels = draw(0, 48, 64)
    low, high = (len(encode(pixels, "jpeg", quality)) for quality in (40, 95))
    assert low < len(encode(pixels, "jpeg")) < high


def test_orientation_is_written_only_when_it_is_not_upright() -> None:
    pixels = draw(0, 24, 32)
    assert Image.open(io.BytesIO(encode(pixels, "jpeg", orientation=6))).getexif()[0x0112] == 6
    assert not Image.open(io.BytesIO(encode(pixels, "jpeg"))).getexif()


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_grey_pixels_stay_grey(format: Format) -> None:
    grey = np.full((8, 9), 77, np.uint8)
    image = Image.open(io.BytesIO(encode(grey, format)))
    assert (image.mode, image.size, image.format) == ("L", (9, 8), format.upper())
    assert np.abs(np.asarray(image).astype(int) - 77).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_the_header_check_reads_the_orientation_that_was_written(format: Format, orientation: int) -> None:
    data = encode(draw(0, 24, 32), format, orientation=orientation)
    header = read_header(data)
    assert (header.format, header.width, header.height, header.orientation) == (format, 32, 24, orientation)
