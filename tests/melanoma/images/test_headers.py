"""What the gate reads from the bytes of a file, what it refuses, and with how little effort."""

import contextlib
import struct
import sys

import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.headers import read_header
from melanoma.images.limits import MAX_BYTES, MAX_PARTS, MAX_SCANS, Header
from tests.helpers import image_bytes
from tests.helpers.image_bytes import BROKEN, after_start, encode, exif, jpeg_segment, photograph, tiff

JPEG = encode(photograph(), "JPEG")


def refusal(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_header(data)
    return caught.value


def effort(data: bytes) -> int:
    """Counts the calls of functions that a refusal takes, which no busy machine changes."""
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


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}])
def test_sides_of_a_jpeg_are_read(options: dict[str, int]) -> None:
    assert read_header(encode(photograph(120, 90), "JPEG", **options)) == Header("jpeg", 120, 90, 1)


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


@pytest.mark.parametrize(("name", "found"), [
    ("gif", "GIF"), ("dicom", "DICOM"), ("heic", "HEIC"), ("svg", "SVG"), ("pdf", "PDF"), ("html", "HTML"),
    ("text", "no known picture format"),
])  # fmt: skip
def test_another_format_is_named_in_the_refusal(name: str, found: str) -> None:
    error = refusal(BROKEN[name])
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT
    assert error.detail.startswith(found)


def test_a_byte_order_mark_hides_no_markup() -> None:
    assert refusal(b"\xef\xbb\xbf<svg/>").detail.startswith("SVG")


def test_dicom_that_poses_as_tiff_is_refused_as_dicom() -> None:
    assert refusal(b"II*\0".ljust(128, b"\0") + b"DICM" + bytes(100)).detail.startswith("DICOM")


@pytest.mark.parametrize("start", [b"\xff\xd8", b"\x89PN", b"RIFF\x20\0\0", b"II", b"MM\0*"])
def test_the_first_bytes_of_a_known_format_are_truncated(start: bytes) -> None:
    assert refusal(start).kind is ErrorKind.TRUNCATED


def test_every_cut_of_a_jpeg_header_is_truncated() -> None:
    pixels = JPEG.index(b"\xff\xda") + 14
    assert {refusal(JPEG[:length]).kind for length in range(2, pixels)} == {ErrorKind.TRUNCATED}


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_every_cut_of_other_formats_is_truncated(format: str) -> None:
    data = encode(photograph(), format)
    assert {refusal(data[:length]).kind for length in range(5, len(data), 97)} == {ErrorKind.TRUNCATED}


def test_a_file_over_the_limit_is_too_large() -> None:
    assert refusal(bytes(MAX_BYTES + 1)).kind is ErrorKind.TOO_LARGE


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


def test_an_end_marker_within_a_comment_hides_no_scans() -> None:
    bomb = image_bytes.with_scans(306)
    scan = bomb.rindex(b"\xff\xda", 0, len(bomb) // 4)
    hidden = bomb[:scan] + jpeg_segment(0xFE, b"\xff\xd9") + bomb[scan:]
    assert refusal(hidden).kind is ErrorKind.TOO_MANY_SCANS


@pytest.mark.parametrize("name", [
    "giant_jpeg", "giant_png", "thread_png", "scan_bomb_jpeg", "twelve_bit_jpeg", "zero_sided_jpeg", "dicom",
    "animated_png", "animated_webp", "paged_tiff", "header_only_jpeg", "flipped_png",
])  # fmt: skip
def test_the_gate_refuses_after_a_few_looks(name: str) -> None:
    refusal(BROKEN[name])
    assert 0 < effort(BROKEN[name]) < 2000


@pytest.mark.parametrize("data", [
    b"\xff\xd8" + b"\xff\xfe\0\2" * (MAX_PARTS + 1),
    image_bytes.png_header(10, 10) + image_bytes.png_chunk(b"abCd") * (MAX_PARTS + 1),
    b"RIFF" + struct.pack("<I", 4 + 18 + 8 * MAX_PARTS) + b"WEBPVP8X\x0a\0\0\0"
    + bytes([0, 0, 0, 0, 9, 0, 0, 9, 0, 0]) + b"abcd\0\0\0\0" * MAX_PARTS,
], ids=["jpeg", "png", "webp"])  # fmt: skip
def test_a_file_of_nothing_but_parts_is_refused_soon(data: bytes) -> None:
    assert refusal(data).kind is ErrorKind.CORRUPT
    assert effort(data) < 30 * MAX_PARTS


def test_a_tiff_whose_fields_overlap_beyond_the_file_is_refused() -> None:
    overlapping = b"".join(struct.pack("<HHII", 1000 + index, 2, 2**20, 8) for index in range(3000))
    data = tiff(image_bytes.GREY_TIFF, bytes(2**20), overlapping)
    assert refusal(data).kind is ErrorKind.CORRUPT


def test_a_tiff_field_that_stands_twice_is_refused() -> None:
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


def test_a_jpeg_that_ends_behind_its_frame_or_has_two_channels_is_no_picture() -> None:
    frame = JPEG.index(b"\xff\xc0")
    after_frame = frame + 2 + int.from_bytes(JPEG[frame + 2 : frame + 4])
    assert refusal(JPEG[:after_frame] + image_bytes.END_OF_IMAGE).kind is ErrorKind.CORRUPT
    two_channels = JPEG[: frame + 9] + b"\x02" + JPEG[frame + 10 :]
    assert refusal(two_channels).kind is ErrorKind.UNSUPPORTED_FORMAT


def test_restart_markers_lead_no_count_of_scans_astray() -> None:
    restarts = encode(photograph(), "JPEG", progressive=True, restart_marker_blocks=1)
    assert restarts.count(b"\xff\xd3") > 10
    assert read_header(restarts + b"\xff\xda" * 200).width == 120


def test_a_webp_of_one_frame_in_an_animated_box_is_a_picture() -> None:
    still = encode(photograph(40, 30), "WEBP", lossless=True)[12:]
    frame = struct.pack("<4sI", b"ANMF", 16 + len(still)) + bytes(6) + b"\x27\0\0\x1d\0\0" + bytes(4) + still
    chunks = b"VP8X\x0a\0\0\0\x02\0\0\0\x27\0\0\x1d\0\0ANIM\x06\0\0\0" + bytes(6) + frame
    one, two = (b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body for body in (chunks, chunks + frame))
    assert read_header(one) == Header("webp", 40, 30, 1)
    assert refusal(two).kind is ErrorKind.ANIMATED
