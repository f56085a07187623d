"""Small pictures of every format that is read, and random damage to them."""

import io
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from melanoma.samples import phantoms

_HEIGHT, _WIDTH = 72, 96
_EDGES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_WORDS = tuple(
    struct.pack(order + kind, value)
    for order in "<>"
    for kind, values in (("H", (0, 1, 0x7FFF, 0xFFFF)), ("I", (0, 1, 0x4000, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)))
    for value in values
)
_HEAD = 200  # bytes at the start that are damaged as often as all others
_MORE_CHANGES = 3  # on average, after the first


def pictures() -> dict[str, bytes]:
    """Returns sound files by name, at least one of each kind that is decoded by its own code."""
    colour = Image.fromarray(phantoms.draw(0, _HEIGHT, _WIDTH))
    exif = Image.Exif()
    exif[274] = 6
    deep = Image.fromarray(np.asarray(colour.convert("L")).astype(np.uint16) * 257)
    found = {
        "jpeg": _encoded(colour, "JPEG", exif=exif),
        "jpeg 4:4:4": _encoded(colour, "JPEG", subsampling=0),
        "jpeg progressive": _encoded(colour, "JPEG", progressive=True),
        "jpeg restarts": _encoded(colour, "JPEG", restart_marker_blocks=3),
        "jpeg grey": _encoded(colour.convert("L"), "JPEG"),
        "jpeg cmyk": _encoded(colour.convert("CMYK"), "JPEG"),
        "png": _encoded(colour, "PNG", exif=exif),
        "png palette": _encoded(colour.quantize(16), "PNG", transparency=3),
        "png alpha": _encoded(colour.convert("RGBA"), "PNG"),
        "png 1 bit": _encoded(colour.convert("1"), "PNG"),
        "png 16 bits": _encoded(deep, "PNG"),
        "webp": _encoded(colour, "WEBP", exif=exif),
        "webp lossless": _encoded(colour, "WEBP", lossless=True),
        "webp alpha": _encoded(colour.convert("RGBA"), "WEBP"),
        "tiff 16 bits": _encoded(deep, "TIFF"),
        "tiff cmyk": _encoded(colour.convert("CMYK"), "TIFF"),
        "tiff palette": _encoded(colour.quantize(16), "TIFF"),
    }
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        found[f"tiff {compression}"] = _encoded(colour, "TIFF", compression=compression, exif=exif)
    return found


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """Returns damaged bytes of a picture.

    Args:
        data: The picture.
        other: Another picture, parts of which may be mixed in.
        random: Decides what is changed; equal states damage alike.
    """
    changed = bytearray(data)
    for _ in range(1 + int(random.expovariate(1 / _MORE_CHANGES))):
        changes: tuple[Callable[[bytearray, int], object], ...] = (
            lambda found, place: _set(found, place, bytes([found[place] ^ 1 << random.randrange(8)])),
            lambda found, place: _set(found, place, bytes([random.choice(_EDGES)])),
            lambda found, place: _set(found, place, random.choice(_WORDS)),
            lambda found, place: found.__delitem__(slice(place, place + random.randrange(1, 40))),
            lambda found, place: found.__setitem__(
                slice(place, place), found[place : place + random.randrange(1, 200)]
            ),
            lambda found, place: _set(found, place, _piece(other, random)),
        )
        change = random.choices(changes, (6, 3, 4, 1, 1, 1))[0]
        change(changed, random.randrange(min(len(changed), _HEAD) if random.random() < 0.3 else len(changed)))
        if not changed:
            return b"\xff\xd8"
    return bytes(changed[: random.randrange(1, len(changed) + 1)] if random.random() < 0.05 else changed)


def _set(found: bytearray, place: int, value: bytes) -> None:
    found[place : place + len(value)] = value


def _piece(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data))
    return data[place : place + random.randrange(1, 200)]


def _encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
