"""The header of a WebP: its frames and size."""

import struct
from typing import Any

import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.headers import read_header
from melanoma.images.limits import Header
from melanoma.images.webp_header import read_webp
from tests.helpers.decoded import refusal
from tests.helpers.image_bytes import encode, exif, photograph


def test_a_webp_of_one_frame_in_an_animated_box_is_a_picture() -> None:
    still = encode(photograph(40, 30), "WEBP", lossless=True)[12:]
    frame = struct.pack("<4sI", b"ANMF", 16 + len(still)) + bytes(6) + b"\x27\0\0\x1d\0\0" + bytes(4) + still
    chunks = b"VP8X\x0a\0\0\0\x02\0\0\0\x27\0\0\x1d\0\0ANIM\x06\0\0\0" + bytes(6) + frame
    one, two = (b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body for body in (chunks, chunks + frame))
    assert read_header(one) == Header("webp", 40, 30, 1)
    assert refusal(two).kind is ErrorKind.ANIMATED


@pytest.mark.parametrize(
    ("options", "first_chunk"),
    [({}, b"VP8 "), ({"lossless": True}, b"VP8L"), ({"exif": exif(1)}, b"VP8X")],
)
@pytest.mark.parametrize("size", [(1, 1), (77, 50), (300, 17)])
def test_the_size_is_read_from_each_kind_of_first_chunk(
    options: dict[str, Any], first_chunk: bytes, size: tuple[int, int]
) -> None:
    data = encode(photograph(*size), "WEBP", **options)
    assert data[12:16] == first_chunk
    assert read_webp(data) == Header("webp", *size, 1)


def test_a_file_that_is_shorter_than_it_says_is_truncated() -> None:
    data = encode(photograph(40, 30), "WEBP")
    with pytest.raises(ImageError, match=f"WebP of {len(data)} bytes, cut to {len(data) - 1}"):
        read_webp(data[:-1])


def test_bytes_behind_the_end_are_ignored() -> None:
    data = encode(photograph(40, 30), "WEBP", exif=exif(6))
    assert read_webp(data + b"EXIF" + bytes(100)) == Header("webp", 40, 30, 6)


def test_a_first_chunk_without_a_picture_is_corrupt() -> None:
    data = b"RIFF" + struct.pack("<I", 4 + 8 + 20) + b"WEBPICCP" + struct.pack("<I", 20) + bytes(20)
    with pytest.raises(ImageError, match="does not start with a picture") as caught:
        read_webp(data)
    assert caught.value.kind is ErrorKind.CORRUPT


def test_a_chunk_of_odd_length_is_followed_by_a_pad_byte() -> None:
    data = encode(photograph(40, 30), "WEBP", exif=exif(6))
    place = data.index(b"EXIF")
    body = data[12:place] + b"abcd" + struct.pack("<I", 3) + b"odd\0" + data[place:]
    assert read_webp(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body) == Header("webp", 40, 30, 6)
