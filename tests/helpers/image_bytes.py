"""Photograph files made by code: sound, odd, hostile and broken ones."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from melanoma.errors import ErrorKind

PRIVATE = "DOE^JANE"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
END_OF_IMAGE = b"\xff\xd9"

_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photograph(width: int = 120, height: int = 90, seed: int = 0) -> Image.Image:
    """Draws an image with the statistics of a photograph: soft shapes under fine noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 24 + 2, width // 24 + 2, 3), dtype=np.uint8)
    soft = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noisy = np.asarray(soft) + random.normal(0, 5, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encode(image: Image.Image, format: str, **options: Any) -> bytes:
    """Writes an image with Pillow's options for the format."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def stored_for(image: Image.Image, orientation: int) -> Image.Image:
    """Turns an upright image into what a camera stores under an orientation."""
    return image.transpose(_STORED[orientation]) if orientation in _STORED else image


def exif(orientation: int, order: str = "<") -> bytes:
    """Writes an EXIF block that holds a name and the orientation."""
    name = PRIVATE.encode() + b"\0"
    entries = struct.pack(f"{order}HHII", 315, 2, len(name), 8 + 2 + 24 + 4)
    entries += struct.pack(f"{order}HHIHH", 274, 3, 1, orientation, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 2) + entries + bytes(4) + name


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """Writes one JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def after_start(jpeg: bytes, segment: bytes) -> bytes:
    """Puts a segment in front of all others of a JPEG."""
    return jpeg[:2] + segment + jpeg[2:]


def with_frame(jpeg: bytes, width: int | None = None, height: int | None = None, depth: int = 8) -> bytes:
    """Makes the header of a JPEG claim another size or depth."""
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2"))
    old_height, old_width = struct.unpack_from(">HH", jpeg, at + 5)
    claim = struct.pack(">BHH", depth, old_height if height is None else height, old_width if width is None else width)
    return jpeg[: at + 4] + claim + jpeg[at + 9 :]


def with_scans(count: int, side: int = 64) -> bytes:
    """Writes a progressive JPEG whose last scan is repeated until there are `count`."""
    jpeg = encode(Image.new("RGB", (side, side), "tan"), "JPEG", progressive=True)
    scans = jpeg.count(b"\xff\xda")
    last = jpeg[jpeg.rfind(b"\xff\xda") : -2]
    return jpeg[:-2] + last * (count - scans) + END_OF_IMAGE


def png_chunk(kind: bytes, body: bytes = b"") -> bytes:
    """Writes one PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """Writes the signature and the header chunk of a PNG."""
    return PNG_SIGNATURE + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png_of_sixteen_bits(samples: npt.NDArray[np.uint16]) -> bytes:
    """Writes a 16-bit PNG from samples of shape (height, width, channels); 1, 3 or 4 channels."""
    height, width, channels = samples.shape
    rows = np.ascontiguousarray(samples.astype(">u2")).tobytes()
    stride = width * channels * 2
    lines = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    colour = {1: 0, 3: 2, 4: 6}[channels]
    body = png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND")
    return png_header(width, height, 16, colour) + body


def with_chunk(png: bytes, chunk: bytes) -> bytes:
    """Puts a chunk right behind the header chunk of a PNG."""
    return png[:33] + chunk + png[33:]


def tiff(fields: dict[int, int], pixels: bytes = b"", extra: bytes = b"") -> bytes:
    """Writes a little-endian grey TIFF of one strip; `extra` are further directory entries."""
    count = len(fields) + 2 + len(extra) // 12
    start = 8 + 2 + 12 * count + 4
    fields = {**fields, 273: start, 279: len(pixels)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(fields.items())) + extra
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + pixels


GREY_TIFF = {256: 20, 257: 10, 258: 8, 259: 1, 262: 1, 277: 1}


def _broken() -> dict[str, tuple[ErrorKind, bytes]]:
    image = photograph()
    jpeg, progressive = encode(image, "JPEG"), encode(image, "JPEG", progressive=True)
    png, webp, lzw = (
        encode(image, "PNG"),
        encode(image, "WEBP"),
        encode(image, "TIFF", compression="tiff_lzw"),
    )
    lossless = encode(image, "WEBP", lossless=True)
    frames: dict[str, Any] = {"save_all": True, "append_images": [photograph(seed=1)]}
    kind = ErrorKind
    return {
        "empty": (kind.EMPTY, b""),
        "header_only_jpeg": (kind.TRUNCATED, jpeg[:30]),
        "cut_jpeg": (kind.TRUNCATED, jpeg[: len(jpeg) // 2]),
        "cut_and_closed_jpeg": (kind.TRUNCATED, jpeg[: len(jpeg) // 2] + END_OF_IMAGE),
        "cut_progressive_jpeg": (kind.TRUNCATED, progressive[: len(progressive) // 2]),
        "pictureless_jpeg": (kind.CORRUPT, jpeg[:2] + END_OF_IMAGE),
        "zero_sided_jpeg": (kind.CORRUPT, with_frame(jpeg, width=0)),
        "giant_jpeg": (kind.TOO_MANY_PIXELS, with_frame(jpeg, 65500, 65500)),
        "twelve_bit_jpeg": (kind.UNSUPPORTED_FORMAT, with_frame(jpeg, depth=12)),
        "lossless_jpeg": (kind.UNSUPPORTED_FORMAT, jpeg.replace(b"\xff\xc0", b"\xff\xc3")),
        "scan_bomb_jpeg": (kind.TOO_MANY_SCANS, with_scans(306)),
        "overwritten_jpeg": (kind.CORRUPT, jpeg[:-400] + b"\xff\x31" * 150 + jpeg[-100:]),
        "cut_png": (kind.TRUNCATED, png[: len(png) // 2]),
        "flipped_png": (kind.CORRUPT, png[:500] + bytes([png[500] ^ 1]) + png[501:]),
        "giant_png": (kind.TOO_MANY_PIXELS, png_header(50000, 50000, 8, 6) + png_chunk(b"IEND")),
        "thread_png": (kind.BAD_DIMENSIONS, png_header(60000, 1) + png_chunk(b"IEND")),
        "animated_png": (kind.ANIMATED, encode(image, "PNG", **frames)),
        "cut_webp": (kind.TRUNCATED, webp[: len(webp) // 2]),
        "hollow_webp": (kind.CORRUPT, lossless[:40] + bytes(len(lossless) - 40)),
        "animated_webp": (kind.ANIMATED, encode(image, "WEBP", **frames)),
        "cut_tiff": (kind.TRUNCATED, encode(image, "TIFF")[:9000]),
        "scrambled_tiff": (kind.CORRUPT, lzw.replace(lzw[4000:4200], b"\xff" * 200)),
        "paged_tiff": (kind.ANIMATED, encode(image, "TIFF", **frames)),
        "jpeg_in_tiff": (kind.UNSUPPORTED_FORMAT, encode(image, "TIFF", compression="jpeg")),
        "gif": (kind.UNSUPPORTED_FORMAT, encode(image, "GIF")),
        "dicom": (kind.UNSUPPORTED_FORMAT, bytes(128) + b"DICM" + PRIVATE.encode()),
        "avif": (kind.UNSUPPORTED_FORMAT, b"\0\0\0\x18ftypavif" + bytes(40)),
        "svg": (kind.UNSUPPORTED_FORMAT, b"<?xml version='1.0'?>\n<svg onload='alert(1)'/>"),
        "pdf": (kind.UNSUPPORTED_FORMAT, b"%PDF-1.7\n" + PRIVATE.encode()),
        "html": (kind.UNSUPPORTED_FORMAT, b"\n<!DOCTYPE html><title>404</title>"),
        "text": (kind.UNSUPPORTED_FORMAT, PRIVATE.encode() * 10),
    }


_BROKEN = _broken()
BROKEN: dict[str, bytes] = {name: data for name, (_, data) in _BROKEN.items()}
BROKEN_KINDS: dict[str, ErrorKind] = {name: kind for name, (kind, _) in _BROKEN.items()}
