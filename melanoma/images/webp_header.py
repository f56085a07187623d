"""Reads the header of a WebP: its size, the number of frames and EXIF orientation."""

import struct

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.limits import MAX_PARTS, Header, check_size


def read_webp(data: bytes) -> Header:
    """Reads the header of a WebP file.

    Raises:
        ImageError: The file is cut, damaged, animated, or beyond a limit.
        struct.error: The file ends within its first chunk.
    """
    end, start, frames, orientation = 8 + int.from_bytes(data[4:8], "little"), 12, 0, 0
    if end > len(data):
        raise ImageError(ErrorKind.TRUNCATED, f"WebP of {end} bytes, cut to {len(data)}")
    width, height = _size(data)
    check_size(width, height)
    for _ in range(MAX_PARTS):
        if start + 8 > end:
            break
        kind, length = struct.unpack_from("<4sI", data, start)
        frames += kind == b"ANMF"
        if kind == b"EXIF":
            orientation = tiff_tags.exif_orientation(data[start + 8 : start + 8 + length])
        start += 8 + length + length % 2
    else:
        raise ImageError(ErrorKind.CORRUPT, f"more than {MAX_PARTS} chunks")
    if frames > 1:
        raise ImageError(ErrorKind.ANIMATED, f"WebP of {frames} frames")
    return Header("webp", width, height, orientation or 1)


def _size(data: bytes) -> tuple[int, int]:
    """Returns width and height in pixels, which each kind of first chunk packs in its own way."""
    first_chunk = data[12:16]
    if first_chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if first_chunk == b"VP8L":
        (sides,) = struct.unpack_from("<I", data, 21)
        return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    if first_chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    raise ImageError(ErrorKind.CORRUPT, "the WebP does not start with a picture")
