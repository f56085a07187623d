"""The gate before the decoders: which formats pass, what is refused, and with how little effort."""

import contextlib
import struct
import sys

import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import headers
from melanoma.images.headers import read_header
from melanoma.images.limits import MAX_BYTES, MAX_PARTS, Header
from tests.helpers import image_bytes
from tests.helpers.decoded import refusal
from tests.helpers.image_bytes import BROKEN, encode, exif, photograph


def effort(data: bytes) -> int:
    """Counts the function calls that a refusal takes; unlike a time, a count does not depend on the machine's load."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with contextlib.suppress(ImageError):
            read_header(data)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(("format", "options"), [
    ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("WEBP", {"exif": exif(1)}),
    ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"big_endian": True}),
])  # fmt: skip
def test_sides_of_other_formats_are_read(format: str, options: dict[str, object]) -> None:
    assert read_header(encode(photograph(77, 50), format, **options)) == Header(format.lower(), 77, 50, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_read_in_either_byte_order(format: str, order: str, orientation: int) -> None:
    header = read_header(encode(photograph(40, 30), format, exif=exif(orientation, order)))
    assert header.orientation == orientation
    assert header.upright_size == ((30, 40) if orientation >= 5 else (40, 30))


@pytest.mark.parametrize(("name", "found"), [
    ("gif", "GIF"), ("dicom", "DICOM"), ("avif", "AVIF"), ("svg", "SVG"), ("pdf", "PDF"), ("html", "HTML"),
    ("text", "no known picture format"),
])  # fmt: skip
def test_another_format_is_named_in_the_refusal(name: str, found: str) -> None:
    error = refusal(BROKEN[name])
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT
    assert error.detail.startswith(found)


def test_a_byte_order_mark_does_not_hide_markup() -> None:
    assert refusal(b"\xef\xbb\xbf<svg/>").detail.startswith("SVG")


def test_dicom_that_poses_as_tiff_is_refused_as_dicom() -> None:
    assert refusal(b"II*\0".ljust(128, b"\0") + b"DICM" + bytes(100)).detail.startswith("DICOM")


@pytest.mark.parametrize("start", [b"\xff\xd8", b"\x89PN", b"RIFF\x20\0\0", b"II", b"MM\0*"])
def test_the_first_bytes_of_a_known_format_are_truncated(start: bytes) -> None:
    assert refusal(start).kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_every_cut_of_other_formats_is_truncated(format: str) -> None:
    data = encode(photograph(), format)
    assert {refusal(data[:length]).kind for length in range(5, len(data), 97)} == {ErrorKind.TRUNCATED}


def test_a_file_over_the_limit_is_too_large() -> None:
    assert refusal(bytes(MAX_BYTES + 1)).kind is ErrorKind.TOO_LARGE


@pytest.mark.parametrize("name", [
    "giant_jpeg", "giant_png", "thread_png", "scan_bomb_jpeg", "twelve_bit_jpeg", "zero_sided_jpeg", "dicom",
    "animated_png", "animated_webp", "paged_tiff", "header_only_jpeg", "flipped_png",
])  # fmt: skip
def test_the_gate_refuses_with_few_function_calls(name: str) -> None:
    refusal(BROKEN[name])
    assert 0 < effort(BROKEN[name]) < 2000


@pytest.mark.parametrize("data", [
    b"\xff\xd8" + b"\xff\xfe\0\2" * (MAX_PARTS + 1),
    image_bytes.png_header(10, 10) + image_bytes.png_chunk(b"abCd") * (MAX_PARTS + 1),
    b"RIFF" + struct.pack("<I", 4 + 18 + 8 * MAX_PARTS) + b"WEBPVP8X\x0a\0\0\0"
    + bytes([0, 0, 0, 0, 9, 0, 0, 9, 0, 0]) + b"abcd\0\0\0\0" * MAX_PARTS,
], ids=["jpeg", "png", "webp"])  # fmt: skip
def test_a_file_of_nothing_but_parts_is_refused_quickly(data: bytes) -> None:
    assert refusal(data).kind is ErrorKind.CORRUPT
    assert effort(data) < 30 * MAX_PARTS


def test_a_defect_of_a_header_check_costs_the_photograph_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(data: bytes) -> Header:
        raise IndexError(image_bytes.PRIVATE)

    monkeypatch.setitem(headers._READERS, "png", defective)
    with pytest.raises(ImageError) as caught:
        read_header(encode(photograph(), "PNG"))
    assert str(caught.value) == "corrupt: the header cannot be read (png, IndexError)"
