"""The gate before the decoders: what a file says of itself in its bytes, and what is refused for it."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64 * 10**6
MAX_SIDE = 16384
MAX_RATIO = 20
MAX_SCANS = 100
MAX_PARTS = 2**16  # segments, chunks or strips: bounds the time that a file of nothing but parts can cost

# Offset, bytes, name. DICOM comes first because its free preamble may pose as any other format.
_MAGIC = (
    (128, b"DICM", "DICOM"), (0, b"\xff\xd8\xff", "jpeg"), (0, b"\x89PNG", "png"), (8, b"WEBP", "webp"),
    (0, b"II*\0", "tiff"), (0, b"MM\0*", "tiff"), (0, b"II+\0", "BigTIFF"), (0, b"MM\0+", "BigTIFF"),
    (0, b"GIF8", "GIF"), (4, b"ftyphe", "HEIC"), (4, b"ftypmif1", "HEIC"), (4, b"ftypmsf1", "HEIC"),
    (4, b"ftypavi", "AVIF"), (4, b"ftyp", "MP4"), (0, b"%PDF", "PDF"), (0, b"%!PS", "PostScript"),
    (0, b"\0\0\0\x0cjP", "JPEG 2000"), (0, b"BM", "BMP"), (0, b"8BPS", "Photoshop"), (0, b"PK\3\4", "ZIP"),
)  # fmt: skip
_MARKUP = ((b"<svg", "SVG"), (b"<html", "HTML"), (b"<!doctype html", "HTML"), (b"<?xml", "XML"))
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*")

# A marker that opens a segment or ends the picture: no stuffing, no padding, no restart.
_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
_JPEG_SCAN = re.compile(rb"\xff\xda")  # an expression finds two bytes three times as fast as bytes.count
_APP1, _EOI, _SOS = 0xE1, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN_DCT_FRAMES = frozenset({0xC0, 0xC1, 0xC2})

_NONE, _LOSSLESS_COMPRESSIONS = 1, frozenset({1, 5, 8, 32773, 32946})
_WHITE_IS_ZERO, _GREY_PALETTE_RGB_CMYK = 0, frozenset({0, 1, 2, 3, 5})


@dataclass(frozen=True)
class Header:
    """What a photograph says of itself before a pixel is decoded.

    Attributes:
        format: `jpeg`, `png`, `webp` or `tiff`, by content, whatever the file is called.
        width: Pixels of a row as stored, 1 to 16384.
        height: Rows as stored, 1 to 16384.
        orientation: EXIF orientation, 1 (upright) to 8; 1 where there is none or it cannot be read.
    """

    format: str
    width: int
    height: int
    orientation: int

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in pixels once the orientation is applied."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(data: bytes) -> Header:
    """Decides from the bytes alone whether a decoder may see a file.

    Args:
        data: A complete file.

    Returns:
        What the header says; bytes, pixels, sides and scans are within the limits of this module.

    Raises:
        ImageError: The file is empty, too large, of another format, cut, damaged in its structure, animated,
            or promises more pixels, a longer side or more scans than a photograph has.
    """
    if not data:
        _refuse(ErrorKind.EMPTY, "the file has no bytes")
    if len(data) > MAX_BYTES:
        _refuse(ErrorKind.TOO_LARGE, f"{len(data)} bytes; at most {MAX_BYTES} are read")
    name = _name_format(data)
    if name not in _READERS:
        _refuse(ErrorKind.UNSUPPORTED_FORMAT, f"{name}; JPEG, PNG, WebP and TIFF are read")
    try:
        return _READERS[name](data)
    except struct.error as error:
        raise ImageError(ErrorKind.TRUNCATED, f"the {name} header points beyond the file") from error


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walks the chunks of a PNG file, checksums not verified.

    Yields:
        Type, position of the chunk's first byte, and of the byte after its checksum; IEND is the last.

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
        _refuse(ErrorKind.CORRUPT, f"more than {MAX_PARTS} chunks")
    _refuse(ErrorKind.TRUNCATED, "the PNG ends before its last chunk")


def _refuse(kind: ErrorKind, detail: str) -> NoReturn:
    raise ImageError(kind, detail)


def _name_format(data: bytes) -> str:
    for offset, magic, name in _MAGIC:
        if data.startswith(magic, offset):
            return name
    if len(data) < 12 and any(start.startswith(data[:4]) for start in _STARTS):
        _refuse(ErrorKind.TRUNCATED, f"only {len(data)} bytes")
    text = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml") and b"<svg" in text:
        return "SVG"
    return next((name for start, name in _MARKUP if text.startswith(start)), "no known picture format")


def _check_size(width: int, height: int) -> None:
    found = f"{width}x{height} pixels"
    if not width or not height:
        _refuse(ErrorKind.CORRUPT, found)
    if width * height > MAX_PIXELS:
        _refuse(ErrorKind.TOO_MANY_PIXELS, f"{found}; at most {MAX_PIXELS} are decoded")
    longer, shorter = max(width, height), min(width, height)
    if longer > MAX_SIDE or longer > MAX_RATIO * shorter:
        _refuse(ErrorKind.BAD_DIMENSIONS, f"{found}; at most {MAX_SIDE} a side and {MAX_RATIO}:1")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields marker, start and end of each segment's body, also between scans; the end marker is the last."""
    end = 2
    for _ in range(MAX_PARTS):
        found = _JPEG_MARKER.search(data, end)
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
        _refuse(ErrorKind.CORRUPT, f"more than {MAX_PARTS} segments")
    _refuse(ErrorKind.TRUNCATED, "the JPEG ends before its last marker")


def _read_jpeg(data: bytes) -> Header:
    segments, frame, orientation = _jpeg_segments(data), b"", 0
    for marker, start, end in segments:
        if marker in _FRAMES and not frame:
            frame = data[start:end].ljust(6, b"\0")
            if marker not in _HUFFMAN_DCT_FRAMES or frame[:1] != b"\x08" or frame[5:6] == b"\x02":
                found = f"JPEG of frame type {marker:#x}, {frame[0]} bits and {frame[5]} channels"
                _refuse(ErrorKind.UNSUPPORTED_FORMAT, f"{found}; Huffman-coded DCT of 8 bits is read")
        elif marker == _APP1 and not orientation and data.startswith(b"Exif\0", start):
            orientation = tiff_tags.exif_orientation(data[start:end])
        elif marker in (_SOS, _EOI):
            break
    if not frame or marker == _EOI:
        _refuse(ErrorKind.CORRUPT, "the JPEG has no picture")
    height, width = struct.unpack_from(">HH", frame, 1)
    _check_size(width, height)
    # Looking for bytes is fast and never finds too few, so only what it would refuse is walked to its end.
    if next(islice(_JPEG_SCAN.finditer(data, end), MAX_SCANS - 1, None), None) is not None:
        further_scans = (marker for marker, _, _ in segments if marker == _SOS)
        if any(scan > MAX_SCANS for scan, _ in enumerate(further_scans, start=2)):
            _refuse(ErrorKind.TOO_MANY_SCANS, f"more than {MAX_SCANS} scans")
    return Header("jpeg", width, height, orientation or 1)


def _read_png(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    _check_size(width, height)
    orientation, view = 1, memoryview(data)
    for kind, start, end in png_chunks(data):
        if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
            _refuse(ErrorKind.CORRUPT, "a checksum of the PNG is wrong")
        if kind == b"acTL":
            _refuse(ErrorKind.ANIMATED, "animated PNG")
        if kind == b"eXIf":
            orientation = tiff_tags.exif_orientation(data[start + 8 : end - 4])
    return Header("png", width, height, orientation)


def _read_webp(data: bytes) -> Header:
    end, start, frames, orientation = 8 + int.from_bytes(data[4:8], "little"), 12, 0, 1
    if end > len(data):
        _refuse(ErrorKind.TRUNCATED, f"WebP of {end} bytes, cut to {len(data)}")
    width, height = _webp_size(data)
    _check_size(width, height)
    for _ in range(MAX_PARTS):
        if start + 8 > end:
            break
        kind, length = struct.unpack_from("<4sI", data, start)
        frames += kind == b"ANMF"
        if kind == b"EXIF":
            orientation = tiff_tags.exif_orientation(data[start + 8 : start + 8 + length])
        start += 8 + length + length % 2
    else:
        _refuse(ErrorKind.CORRUPT, f"more than {MAX_PARTS} chunks")
    if frames > 1:
        _refuse(ErrorKind.ANIMATED, f"WebP of {frames} frames")
    return Header("webp", width, height, orientation)


def _webp_size(data: bytes) -> tuple[int, int]:
    first_chunk = data[12:16]
    if first_chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if first_chunk == b"VP8L":
        (sides,) = struct.unpack_from("<I", data, 21)
        return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    if first_chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    _refuse(ErrorKind.CORRUPT, "the WebP does not start with a picture")


def _read_tiff(data: bytes) -> Header:
    fields, next_page = tiff_tags.read_directory(data)
    width, height = fields.get(tiff_tags.WIDTH, (0,))[0], fields.get(tiff_tags.HEIGHT, (0,))[0]
    _check_size(width, height)
    compression, colours = fields.get(tiff_tags.COMPRESSION, (1,))[0], fields.get(tiff_tags.COLOURS, (-1,))[0]
    bits, is_thumbnail = fields.get(tiff_tags.BITS, (1,)), fields.get(tiff_tags.SUBFILE, (0,))[0] & 1
    known = compression in _LOSSLESS_COMPRESSIONS and colours in _GREY_PALETTE_RGB_CMYK and not is_thumbnail
    if not known or max(bits) > (8 if colours == _WHITE_IS_ZERO else 16):
        found = f"TIFF of compression {compression}, colours {colours}, {max(bits)} bits"
        expected = "lossless grey, palette, RGB or CMYK of 1 to 16 bits, no thumbnail first"
        _refuse(ErrorKind.UNSUPPORTED_FORMAT, f"{found}; read is {expected}")
    if next_page:
        _refuse(ErrorKind.ANIMATED, "TIFF of several pages")
    starts = fields.get(tiff_tags.STRIP_STARTS) or fields.get(tiff_tags.TILE_STARTS, ())
    lengths = fields.get(tiff_tags.STRIP_LENGTHS) or fields.get(tiff_tags.TILE_LENGTHS, ())
    if not starts or len(starts) != len(lengths):
        _refuse(ErrorKind.CORRUPT, "the TIFF does not say where its pixels are")
    is_short = compression == _NONE and 8 * sum(lengths) < width * height * sum(bits)
    if is_short or any(start + length > len(data) for start, length in zip(starts, lengths, strict=True)):
        _refuse(ErrorKind.TRUNCATED, "the TIFF ends before its pixels do")
    return Header("tiff", width, height, tiff_tags.valid_orientation(fields))


_READERS = {"jpeg": _read_jpeg, "png": _read_png, "webp": _read_webp, "tiff": _read_tiff}
