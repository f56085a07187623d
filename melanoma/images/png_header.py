"""Reads the header of a PNG: its size, every checksum, animation and EXIF orientation."""

import struct
import zlib
from collections.abc import Iterator

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.limits import MAX_PARTS, Header, check_size

# The chunks that make the pixels; no other chunk reaches a decoder.
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})

_IPHONE_PNG, _SIXTEEN_BIT_RGB, _ONE_FRAME = b"CgBI", b"\x10\x02", b"\0\0\0\1"


def read_png(data: bytes) -> Header:
    """Reads the header of a PNG file and verifies the checksum of every chunk.

    Raises:
        ImageError: The file is cut, damaged, animated, or beyond a limit.
        struct.error: The file ends within its first chunk.
    """
    if data.startswith(_IPHONE_PNG, 12):
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, "PNG rewritten for iPhones (CgBI); convert it to a usual PNG")
    width, height = struct.unpack_from(">II", data, 16)
    check_size(width, height)
    is_deep_colour = data[24:26] == _SIXTEEN_BIT_RGB
    orientation, view = 0, memoryview(data)
    for kind, start, end in png_chunks(data):
        if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            raise ImageError(ErrorKind.CORRUPT, "a checksum of the PNG is wrong")
        if kind == b"fdAT" or (kind == b"acTL" and data[start + 8 : start + 12] != _ONE_FRAME):
            raise ImageError(ErrorKind.ANIMATED, "animated PNG")
        if kind == b"tRNS" and is_deep_colour:
            raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, "PNG of 16 bits with one transparent colour")
        if kind == b"eXIf":
            orientation = tiff_tags.exif_orientation(data[start + 8 : end - 4])
    return Header("png", width, height, orientation or 1)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walks the chunks of a PNG file without verifying checksums.

    Yields:
        Type, position of the chunk's first byte, and position behind its checksum; IEND is the last.

    Raises:
        ImageError: The file ends before IEND does, or has more than `MAX_PARTS` chunks.
    """
    start = 8
    for _ in range(MAX_PARTS):
        if start + 12 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            break
        yield kind, start, end
        if kind == b"IEND":
            return
        start = end
    else:
        raise ImageError(ErrorKind.CORRUPT, f"more than {MAX_PARTS} chunks")
    raise ImageError(ErrorKind.TRUNCATED, "the PNG ends before its last chunk")


def only_pixel_chunks(data: bytes) -> bytes:
    """Returns a PNG file without the chunks that hold no pixels, so that no text or profile is ever unpacked."""
    return data[:8] + b"".join(data[start:end] for kind, start, end in png_chunks(data) if kind in _PIXEL_CHUNKS)
