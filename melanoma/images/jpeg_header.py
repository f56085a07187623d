"""Reads the header of a JPEG: its frame, its EXIF orientation, and how many scans follow."""

import re
import struct
from collections.abc import Iterator
from itertools import islice

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.limits import MAX_PARTS, MAX_SCANS, Header, check_size

# A marker that opens a segment or ends the picture: no stuffing, no padding, no restart.
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_SCAN = re.compile(rb"\xff\xda")  # a regular expression finds two bytes three times as fast as bytes.count
_APP1, _EOI, _SOS = 0xE1, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2})


def read_jpeg(data: bytes) -> Header:
    """Reads the header of a JPEG file.

    Raises:
        ImageError: The file is cut, damaged, of a kind that is not decoded, or beyond a limit.
        struct.error: A length points beyond the end of the file.
    """
    segments, frame, orientation = _segments(data), b"", 0
    for marker, start, end in segments:
        if marker in _FRAMES and not frame:
            frame = _checked_frame(marker, data[start:end])
        elif marker == _APP1 and not orientation and data.startswith(b"Exif\0", start):
            orientation = tiff_tags.exif_orientation(data[start:end])
        elif marker in (_SOS, _EOI):
            break
    if not frame or marker == _EOI:
        raise ImageError(ErrorKind.CORRUPT, "the JPEG has no picture")
    height, width = struct.unpack_from(">HH", frame, 1)
    check_size(width, height)
    _check_scans(data, end, segments)
    return Header("jpeg", width, height, orientation or 1)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields marker, start and end of each segment's body up to the end marker, also between scans."""
    end = 2
    for _ in range(MAX_PARTS):
        found = _MARKER.search(data, end)
        if found is None:
            break
        marker, length_at = found[0][1], found.end()
        if marker == _EOI:
            yield marker, length_at, length_at
            return
        end = length_at + max(2, int.from_bytes(data[length_at : length_at + 2]))
        if end > len(data):
            break
        yield marker, length_at + 2, end
    else:
        raise ImageError(ErrorKind.CORRUPT, f"more than {MAX_PARTS} segments")
    raise ImageError(ErrorKind.TRUNCATED, "the JPEG ends before its last marker")


def _checked_frame(marker: int, body: bytes) -> bytes:
    """Returns the body of a frame header that the decoder handles."""
    frame = body.ljust(6, b"\0")
    if marker not in _HUFFMAN_DCT_FRAMES or frame[:1] != b"\x08" or frame[5:6] == b"\x02":
        found = f"JPEG of frame type {marker:#x}, {frame[0]} bits and {frame[5]} channels"
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{found}; Huffman-coded DCT of 8 bits is read")
    return frame


def _check_scans(data: bytes, first_scan: int, segments: Iterator[tuple[int, int, int]]) -> None:
    """Refuses a file with too many scans; `segments` continues after the first one."""
    # A search for the bytes is fast and never finds too few, so only what it would refuse is walked to its end.
    if next(islice(_SCAN.finditer(data, first_scan), MAX_SCANS - 1, None), None) is not None:
        further_scans = (marker for marker, _, _ in segments if marker == _SOS)
        if any(scan > MAX_SCANS for scan, _ in enumerate(further_scans, start=2)):
            raise ImageError(ErrorKind.TOO_MANY_SCANS, f"more than {MAX_SCANS} scans")
