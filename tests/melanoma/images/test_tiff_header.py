"""The header of a TIFF: what would be misread or ends too early is refused."""

import struct

import pytest

from melanoma.errors import ErrorKind
from melanoma.images.headers import read_header
from melanoma.images.limits import MAX_PARTS, Header
from melanoma.images.tiff_header import read_tiff
from tests.helpers import image_bytes
from tests.helpers.decoded import refusal
from tests.helpers.image_bytes import tiff


def test_a_tiff_whose_fields_overlap_beyond_the_file_is_refused() -> None:
    overlapping = b"".join(struct.pack("<HHII", 1000 + index, 2, 2**20, 8) for index in range(3000))
    data = tiff(image_bytes.GREY_TIFF, bytes(2**20), overlapping)
    assert refusal(data).kind is ErrorKind.CORRUPT


def test_a_repeated_tiff_field_is_refused() -> None:
    assert read_header(tiff(image_bytes.GREY_TIFF, bytes(200))).height == 10
    twice = struct.pack("<HHII", 257, 4, 1, 5000)
    assert refusal(tiff(image_bytes.GREY_TIFF, bytes(200), twice)).kind is ErrorKind.CORRUPT


@pytest.mark.parametrize(("changes", "reason"), [
    ({259: 7}, "JPEG within TIFF"), ({259: 50001}, "WebP within TIFF"), ({262: 6}, "YCbCr"),
    ({258: 32}, "32 bits"), ({254: 1}, "a thumbnail first"), ({258: 16, 262: 0}, "16 bits, white is zero"),
])  # fmt: skip
def test_a_tiff_that_would_be_misread_is_unsupported(changes: dict[int, int], reason: str) -> None:
    error = refusal(tiff({**image_bytes.GREY_TIFF, **changes}, bytes(800)))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT, reason


def test_an_uncompressed_tiff_with_too_few_pixels_is_truncated() -> None:
    assert refusal(tiff(image_bytes.GREY_TIFF, bytes(199))).kind is ErrorKind.TRUNCATED


def test_a_tiff_without_strips_or_with_too_many_is_corrupt() -> None:
    strips = struct.pack("<HH", 273, 4)
    sound = tiff(image_bytes.GREY_TIFF, bytes(200))
    assert refusal(sound.replace(strips, struct.pack("<HH", 1273, 4))).kind is ErrorKind.CORRUPT
    tiles = struct.pack("<HHII", 324, 4, MAX_PARTS + 1, 8) + struct.pack("<HHII", 325, 4, 1, 200)
    assert "65537" in refusal(tiff(image_bytes.GREY_TIFF, bytes(300_000), tiles)).detail


@pytest.mark.parametrize("bits", [1, 8])
def test_a_tiff_without_samples_is_corrupt(bits: int) -> None:
    error = refusal(tiff({**image_bytes.GREY_TIFF, 258: bits, 277: 0}, bytes(200)))
    assert (error.kind, error.detail) == (ErrorKind.CORRUPT, "the TIFF has no samples")


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_size_and_orientation_of_a_tiff_are_read(orientation: int) -> None:
    assert read_tiff(tiff({**image_bytes.GREY_TIFF, 274: orientation}, bytes(200))) == Header(
        "tiff", 20, 10, orientation
    )


@pytest.mark.parametrize("compression", [5, 8, 32773, 32946])
def test_compressed_pixels_may_be_shorter_than_the_picture(compression: int) -> None:
    assert read_tiff(tiff({**image_bytes.GREY_TIFF, 259: compression}, bytes(50))).width == 20


def test_white_is_zero_is_read_up_to_8_bits() -> None:
    assert read_tiff(tiff({**image_bytes.GREY_TIFF, 262: 0}, bytes(200))).height == 10
    assert read_tiff(tiff({**image_bytes.GREY_TIFF, 258: 16}, bytes(400))).height == 10
