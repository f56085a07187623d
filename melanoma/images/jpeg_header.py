"""Reads the header of a JPEG: its frame, its EXIF orientation, and the scans that follow."""

import re
import struct
from collections.abc import Iterator
from itertools import islice

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.jpeg_scans import check_complete, read_scan
from melanoma.images.jpeg_segments import APP1, EOI, FRAMES, PROGRESSIVE, SOS, Segment, segments
from melanoma.images.limits import MAX_SCANS, Header, check_size

_SCAN = re.compile(rb"\xff\xda")  # a regular expression finds two bytes three times as fast as bytes.count
_HUFFMAN_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_READ_SAMPLINGS = frozenset({"1x1", "2x1", "1x2", "2x2", "4x1", "1x4"})  # of brightness, beside colours of 1x1
_JPEG_LS = 0xF7
_ALL_FRAMES = FRAMES | {_JPEG_LS}
_CODINGS = (
    (frozenset({0xC0, 0xC1, 0xC2}), "Huffman-coded DCT"),
    (frozenset({0xC3}), "lossless coding"),
    (frozenset({0xC9, 0xCA}), "arithmetic coding"),
    (frozenset({_JPEG_LS}), "JPEG-LS coding"),
)


def read_jpeg(data: bytes) -> Header:
    """Reads the header of a JPEG file.

    Raises:
        ImageError: The file is cut, damaged, of a kind that is not decoded, or beyond a limit.
        struct.error: A length points beyond the end of the file.
    """
    walk, frame, orientation = segments(data), Segment(0, 0, 0), 0
    for segment in walk:
        if segment.marker in _ALL_FRAMES and not frame.marker:
            frame = _checked_frame(segment, data)
        elif segment.marker == APP1 and not orientation and data.startswith(b"Exif\0", segment.start):
            orientation = tiff_tags.exif_orientation(data[segment.start : segment.end])
        elif segment.marker in (SOS, EOI):
            break
    if not frame.marker or segment.marker == EOI:
        raise ImageError(ErrorKind.CORRUPT, "the JPEG has no picture")
    height, width = struct.unpack_from(">HH", data, frame.start + 1)
    check_size(width, height)
    _check_scans(data, frame, segment, walk)
    return Header("jpeg", width, height, orientation or 1)


def sampling(data: bytes) -> str:
    """Returns the sampling factors of a JPEG that passed `read_jpeg`, such as `2x2, 1x1, 1x1`."""
    frame = next(segment for segment in segments(data) if segment.marker in FRAMES)
    factors = data[frame.start + 7 : frame.end : 3]
    return ", ".join(f"{factor >> 4}x{factor & 15}" for factor in factors)


def has_read_sampling(data: bytes) -> bool:
    """Returns whether the decoder reads the sampling factors of a JPEG that passed `read_jpeg`."""
    return sampling(data).removesuffix(", 1x1, 1x1") in _READ_SAMPLINGS or "," not in sampling(data)


def _checked_frame(segment: Segment, data: bytes) -> Segment:
    """Returns a frame header that the decoder handles."""
    body = data[segment.start : segment.end].ljust(6, b"\0")
    if segment.marker not in _HUFFMAN_DCT_FRAMES or body[:1] != b"\x08" or body[5:6] == b"\x02":
        coding = next((name for markers, name in _CODINGS if segment.marker in markers), "hierarchical coding")
        found = f"JPEG of {coding} (frame type {segment.marker:#x}), {body[0]} bits and {body[5]} channels"
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{found}; Huffman-coded DCT of 8 bits is read")
    return segment


def _check_scans(data: bytes, frame: Segment, first_scan: Segment, walk: Iterator[Segment]) -> None:
    """Refuses a file with too many scans, or too few for its picture; `walk` continues after the first one."""
    components = data[frame.start + 6 : frame.end : 3]
    is_progressive = frame.marker == PROGRESSIVE
    # A search for the bytes is fast and never finds too few, so only what it would refuse is walked to its end.
    may_be_too_many = next(islice(_SCAN.finditer(data, first_scan.end), MAX_SCANS - 1, None), None) is not None
    is_single = not is_progressive and data[first_scan.start] >= len(components)
    if is_single and not may_be_too_many:
        return
    scans = [first_scan]
    for segment in walk:
        if segment.marker == SOS:
            scans.append(segment)
        if len(scans) > MAX_SCANS:
            raise ImageError(ErrorKind.TOO_MANY_SCANS, f"more than {MAX_SCANS} scans")
    check_complete(components, (read_scan(data[scan.start : scan.end]) for scan in scans), is_progressive)
