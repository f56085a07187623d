"""Sides and numbers of pixels that a photograph may have."""

import struct

import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.headers import read_header
from melanoma.images.limits import MAX_PIXELS, MAX_SIDE, Header, check_size
from tests.helpers import image_bytes
from tests.helpers.decoded import refusal
from tests.helpers.image_bytes import encode, photograph, tiff

JPEG = encode(photograph(), "JPEG")


@pytest.mark.parametrize(("width", "height", "kind"), [
    (0, 10, ErrorKind.CORRUPT), (10, 0, ErrorKind.CORRUPT),
    (50000, 50000, ErrorKind.TOO_MANY_PIXELS), (20000, 4000, ErrorKind.TOO_MANY_PIXELS),
    (13000, 13000, ErrorKind.TOO_MANY_PIXELS), (8001, 8000, ErrorKind.TOO_MANY_PIXELS),
    (60000, 1, ErrorKind.BAD_DIMENSIONS), (16385, 3000, ErrorKind.BAD_DIMENSIONS),
    (3000, 16385, ErrorKind.BAD_DIMENSIONS), (21, 1, ErrorKind.BAD_DIMENSIONS),
    (10, 201, ErrorKind.BAD_DIMENSIONS),
])  # fmt: skip
def test_sides_that_no_photograph_has_are_refused_in_every_format(width: int, height: int, kind: ErrorKind) -> None:
    webp = b"VP8X\x0a\0\0\0\0\0\0\0" + (width - 1).to_bytes(4, "little", signed=True)[:3]
    webp += (height - 1).to_bytes(4, "little", signed=True)[:3]
    files = [
        image_bytes.with_frame(JPEG, width & 0xFFFF, height & 0xFFFF),
        image_bytes.png_header(width, height),
        tiff({**image_bytes.GREY_TIFF, 256: width, 257: height}, bytes(200)),
    ]
    if width and height:  # a WebP cannot even say zero
        files.append(b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp)
    assert {refusal(data).kind for data in files} == {kind}


@pytest.mark.parametrize(("width", "height"), [(8000, 8000), (16384, 3900), (20, 1), (1, 20)])
def test_sides_at_the_limits_pass(width: int, height: int) -> None:
    header = read_header(image_bytes.with_frame(JPEG, width, height))
    assert (header.width, header.height) == (width, height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_are_swapped_for_sideways_orientations(orientation: int) -> None:
    expected = (30, 40) if orientation in (5, 6, 7, 8) else (40, 30)
    assert Header("png", 40, 30, orientation).upright_size == expected


def test_a_size_is_checked_from_both_sides() -> None:
    for width, height in ((1, 1), (20, 1), (MAX_SIDE, MAX_PIXELS // MAX_SIDE), (8000, 8000)):
        check_size(width, height)
        check_size(height, width)
    with pytest.raises(ImageError, match="21x1 pixels; at most 16384 a side and 20:1"):
        check_size(21, 1)
    with pytest.raises(ImageError, match="8001x8000 pixels; at most 64000000 are decoded"):
        check_size(8001, 8000)
