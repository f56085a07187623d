"""The header of a JPEG: frame, EXIF orientation and scans."""

import struct

import pytest

from melanoma.errors import ErrorKind
from melanoma.images.headers import read_header
from melanoma.images.jpeg_header import read_jpeg
from melanoma.images.limits import MAX_SCANS, Header
from tests.helpers import image_bytes
from tests.helpers.decoded import refusal
from tests.helpers.image_bytes import after_start, encode, exif, jpeg_segment, photograph

JPEG = encode(photograph(), "JPEG")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}])
def test_sides_of_a_jpeg_are_read(options: dict[str, int]) -> None:
    assert read_header(encode(photograph(120, 90), "JPEG", **options)) == Header("jpeg", 120, 90, 1)


@pytest.mark.parametrize("block", [
    exif(6)[:20], exif(6)[:6], b"Exif\0\0" + b"\xff" * 60, b"Exif\0\0II*\0\xff\xff\xff\xff", exif(0), exif(9),
    exif(6).replace(struct.pack("<HHI", 274, 3, 1), struct.pack("<HHI", 274, 5, 1)),
    exif(6).replace(struct.pack("<HHI", 274, 3, 1), struct.pack("<HHI", 274, 3, 2**31)),
])  # fmt: skip
def test_a_broken_exif_block_means_upright(block: bytes) -> None:
    assert read_header(after_start(JPEG, jpeg_segment(0xE1, block))) == Header("jpeg", 120, 90, 1)


def test_the_first_exif_block_counts_and_other_app1_segments_do_not() -> None:
    data = after_start(JPEG, jpeg_segment(0xE1, exif(8)))
    data = after_start(data, jpeg_segment(0xE1, exif(3)))
    data = after_start(data, jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + exif(2)))
    assert read_header(data).orientation == 3


@pytest.mark.parametrize("first", [b"Exif\0\0", exif(0), exif(6)[:9]])
def test_an_exif_block_that_states_nothing_hides_no_later_one(first: bytes) -> None:
    data = after_start(after_start(JPEG, jpeg_segment(0xE1, exif(6))), jpeg_segment(0xE1, first))
    assert read_header(data).orientation == 6


@pytest.mark.parametrize(("marker", "words"), [
    (0xC3, "lossless"), (0xC5, "hierarchical"), (0xC9, "arithmetic"), (0xCA, "arithmetic"), (0xF7, "JPEG-LS"),
])  # fmt: skip
def test_a_frame_that_is_not_read_is_named(marker: int, words: str) -> None:
    error = refusal(JPEG.replace(b"\xff\xc0", bytes([0xFF, marker]), 1))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and words in error.detail


def test_every_cut_of_a_jpeg_header_is_truncated() -> None:
    pixels = JPEG.index(b"\xff\xda") + 14
    assert {refusal(JPEG[:length]).kind for length in range(2, pixels)} == {ErrorKind.TRUNCATED}


def test_scans_are_counted_up_to_the_limit() -> None:
    assert read_header(image_bytes.with_scans(MAX_SCANS)).width == 64
    assert refusal(image_bytes.with_scans(MAX_SCANS + 1)).kind is ErrorKind.TOO_MANY_SCANS


def test_what_only_looks_like_scans_is_not_counted() -> None:
    thumbnail = jpeg_segment(0xE1, exif(1) + b"\xff\xda" * 200)
    comment = jpeg_segment(0xFE, b"\xff\xda\xff\xd9" * 200)
    data = after_start(JPEG, thumbnail)
    assert read_header(data + b"\xff\xda" * 200).width == 120
    progressive = image_bytes.with_scans(50)
    scan = progressive.rindex(b"\xff\xda")
    assert read_header(progressive[:scan] + comment + progressive[scan:]).width == 64


def test_an_end_marker_within_a_comment_does_not_hide_scans() -> None:
    bomb = image_bytes.with_scans(306)
    scan = bomb.rindex(b"\xff\xda", 0, len(bomb) // 4)
    hidden = bomb[:scan] + jpeg_segment(0xFE, b"\xff\xd9") + bomb[scan:]
    assert refusal(hidden).kind is ErrorKind.TOO_MANY_SCANS


def test_a_jpeg_that_ends_behind_its_frame_or_has_two_channels_is_refused() -> None:
    frame = JPEG.index(b"\xff\xc0")
    after_frame = frame + 2 + int.from_bytes(JPEG[frame + 2 : frame + 4])
    assert refusal(JPEG[:after_frame] + image_bytes.END_OF_IMAGE).kind is ErrorKind.CORRUPT
    two_channels = JPEG[: frame + 9] + b"\x02" + JPEG[frame + 10 :]
    assert refusal(two_channels).kind is ErrorKind.UNSUPPORTED_FORMAT


def test_restart_markers_are_not_counted_as_scans() -> None:
    restarts = encode(photograph(), "JPEG", progressive=True, restart_marker_blocks=1)
    assert restarts.count(b"\xff\xd3") > 10
    assert read_header(restarts + b"\xff\xda" * 200).width == 120


def test_fill_bytes_and_comments_before_the_frame_are_skipped() -> None:
    padded = after_start(JPEG, jpeg_segment(0xFE, b"DOE") + b"\xff\xff\xff")
    assert read_jpeg(padded) == Header("jpeg", 120, 90, 1)


def test_the_first_frame_counts() -> None:
    frame = JPEG.index(b"\xff\xc0")
    another = image_bytes.with_frame(JPEG, 300, 200)[frame : frame + 2 + int.from_bytes(JPEG[frame + 2 : frame + 4])]
    assert read_jpeg(JPEG[:frame] + another + JPEG[frame:]) == Header("jpeg", 300, 200, 1)
