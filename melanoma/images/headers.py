"""The gate before the decoders: decides from a file's own bytes whether a decoder may see it."""

import struct

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.heif_header import read_heic
from melanoma.images.jpeg_header import read_jpeg
from melanoma.images.limits import MAX_BYTES, Header
from melanoma.images.png_header import read_png
from melanoma.images.tiff_header import read_tiff
from melanoma.images.webp_header import read_webp

# Offset, bytes, name. DICOM comes first because its free preamble may pose as any other format.
_MAGIC = (
    (128, b"DICM", "DICOM"), (0, b"\xff\xd8", "jpeg"), (0, b"\x89PNG", "png"), (8, b"WEBP", "webp"),
    (0, b"II*\0", "tiff"), (0, b"MM\0*", "tiff"), (0, b"II+\0", "BigTIFF"), (0, b"MM\0+", "BigTIFF"),
    (0, b"GIF8", "GIF"), (4, b"ftyphe", "heic"), (4, b"ftypmif1", "heic"), (4, b"ftypmsf1", "heic"),
    (4, b"ftypavi", "AVIF"), (4, b"ftyp", "MP4"), (0, b"%PDF", "PDF"), (0, b"%!PS", "PostScript"),
    (0, b"\0\0\0\x0cjP", "JPEG 2000"), (0, b"\xff\x4f\xff\x51", "JPEG 2000"), (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"), (0, b"II\xbc", "JPEG XR"), (0, b"BM", "BMP"), (0, b"8BPS", "Photoshop"),
    (0, b"PK\3\4", "ZIP"),
)  # fmt: skip
_MARKUP = ((b"<svg", "SVG"), (b"<html", "HTML"), (b"<!doctype html", "HTML"), (b"<?xml", "XML"))
_STARTS = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"II*\0", b"MM\0*")
UNREADABLE = "the header cannot be read"
_READERS = {"jpeg": read_jpeg, "png": read_png, "webp": read_webp, "tiff": read_tiff, "heic": read_heic}


def read_header(data: bytes) -> Header:
    """Decides from the bytes alone whether a decoder may see a file.

    Args:
        data: A complete file.

    Returns:
        What the header states; bytes, pixels, sides and scans keep the limits of `melanoma.images.limits`.

    Raises:
        ImageError: The file is empty, too large, of another format, cut, damaged in its structure, animated, or
            promises more pixels, a longer side or more scans than a photograph has.
    """
    if not data:
        raise ImageError(ErrorKind.EMPTY, "the file has no bytes")
    if len(data) > MAX_BYTES:
        raise ImageError(ErrorKind.TOO_LARGE, f"{len(data)} bytes; at most {MAX_BYTES} are read")
    name = _format_name(data)
    if name not in _READERS:
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{name}; JPEG, PNG, WebP and TIFF are read")
    try:
        return _READERS[name](data)
    except struct.error as error:
        raise ImageError(ErrorKind.TRUNCATED, f"the {name} header points beyond the file") from error
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise ImageError(ErrorKind.CORRUPT, f"{UNREADABLE} ({name}, {type(error).__name__})") from error


def _format_name(data: bytes) -> str:
    for offset, magic, name in _MAGIC:
        if data.startswith(magic, offset):
            return name
    if len(data) < 12 and any(start.startswith(data[:4]) for start in _STARTS):
        raise ImageError(ErrorKind.TRUNCATED, f"only {len(data)} bytes")
    text = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<?xml") and b"<svg" in text:
        return "SVG"
    return next((name for start, name in _MARKUP if text.startswith(start)), "no known picture format")
