"""The header of a WebP: its frames and size."""

import struct

from melanoma.errors import ErrorKind
from melanoma.images.headers import read_header
from melanoma.images.limits import Header
from tests.helpers.decoded import refusal
from tests.helpers.image_bytes import encode, photograph


def test_a_webp_of_one_frame_in_an_animated_box_is_a_picture() -> None:
    still = encode(photograph(40, 30), "WEBP", lossless=True)[12:]
    frame = struct.pack("<4sI", b"ANMF", 16 + len(still)) + bytes(6) + b"\x27\0\0\x1d\0\0" + bytes(4) + still
    chunks = b"VP8X\x0a\0\0\0\x02\0\0\0\x27\0\0\x1d\0\0ANIM\x06\0\0\0" + bytes(6) + frame
    one, two = (b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body for body in (chunks, chunks + frame))
    assert read_header(one) == Header("webp", 40, 30, 1)
    assert refusal(two).kind is ErrorKind.ANIMATED
