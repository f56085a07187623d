"""HEIC files: encoded by pillow-heif, or put together box by box from what it encoded."""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pillow_heif
from PIL import Image

LOSSLESS: dict[str, Any] = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}


def heic(image: Image.Image, *further: Image.Image, **options: Any) -> bytes:
    """Encodes photographs into one file, the first of which is the primary one."""
    file, sink = pillow_heif.from_pillow(image), io.BytesIO()
    for one in further:
        file.add_from_pillow(one)
    file.save(sink, **options)
    return sink.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    """Writes a box."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Writes a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def size(width: int, height: int) -> bytes:
    """Writes the box that states the size of a picture."""
    return full_box(b"ispe", struct.pack(">II", width, height))


def transfer(number: int) -> bytes:
    """Writes the box that states the colours of a picture: BT.2020 with a transfer function."""
    return box(b"colr", b"nclx", struct.pack(">HHHB", 9, number, 9, 128))


@dataclass
class Picture:
    """One item of a file that `heif` writes; its properties are boxes."""

    content: bytes
    properties: Sequence[bytes] = ()
    kind: bytes = b"hvc1"
    is_hidden: bool = False


def picture(image: Image.Image, *further: bytes, **changes: Any) -> Picture:
    """Encodes a photograph without loss, as an item of a file of several."""
    data = heic(image, **LOSSLESS)
    settings, content = data.index(b"hvcC") - 4, data.index(b"mdat") + 4
    colours = box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 0, 128))
    own = [data[settings : settings + int.from_bytes(data[settings : settings + 4])], size(*image.size), colours]
    return Picture(data[content:], [*own, *further], **changes)


def grid(rows: int, columns: int, width: int, height: int, *further: bytes) -> Picture:
    """Writes the item that puts tiles together."""
    content = struct.pack(">4B2H", 0, 0, rows - 1, columns - 1, width, height)
    return Picture(content, [size(width, height), *further], b"grid")


def heif(pictures: Sequence[Picture], references: Sequence[tuple[bytes, int, Sequence[int]]] = ()) -> bytes:
    """Puts a file together: the items are numbered from 1, and the first one is primary."""

    def meta(start: int) -> bytes:
        entries, places, properties, links = b"", b"", b"", b""
        for number, one in enumerate(pictures, 1):
            item = struct.pack(">HH4sB", number, 0, one.kind, 0)
            entries += full_box(b"infe", item, version=2, flags=int(one.is_hidden))
            places += struct.pack(">HHHII", number, 0, 1, start, len(one.content))
            start += len(one.content)
            first = 1 + sum(len(before.properties) for before in pictures[: number - 1])
            properties += b"".join(one.properties)
            words = [0x8000 | first + at for at in range(len(one.properties))]
            links += struct.pack(f">HB{len(words)}H", number, len(words), *words)
        linked = [box(kind, struct.pack(f">HH{len(to)}H", source, len(to), *to)) for kind, source, to in references]
        count = struct.pack(">I", len(pictures))
        return full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", struct.pack(">H", 1)),
            full_box(b"iloc", b"\x44\0", count[2:], places),
            full_box(b"iinf", count[2:], entries),
            *([full_box(b"iref", *linked)] if linked else []),
            box(b"iprp", box(b"ipco", properties), full_box(b"ipma", count, links, flags=1)),
        )

    head = box(b"ftyp", b"mif1", bytes(4), b"mif1heic")
    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", *(one.content for one in pictures))
