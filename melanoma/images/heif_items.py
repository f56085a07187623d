"""Reads which items a HEIF file holds, and what it states of each (ISO/IEC 23008-12)."""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.heif_boxes import Box, Numbers, boxes, damaged
from melanoma.images.limits import MAX_PARTS

_IN_FILE, _IN_ITEM_DATA = 0, 1  # where an item's bytes lie: positions in the file, or in the box `idat`
_HIDDEN = 1


@dataclass
class Item:
    """One item of a file.

    Attributes:
        kind: Such as `hvc1`, `grid` or `Exif`; empty if the file does not say.
        is_hidden: Whether it is not to be shown by itself.
        properties: Boxes that describe it, in the order in which they apply.
        parts: Start and end of its bytes in the file.
    """

    kind: bytes = b""
    is_hidden: bool = False
    properties: list[Box] = field(default_factory=list)
    parts: list[tuple[int, int]] = field(default_factory=list)


class Reference(NamedTuple):
    """A reference of kind `thmb`, `auxl`, `dimg` and so on from one item to others, by their numbers."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


class Contents(NamedTuple):
    """What a file holds: its items by number, the number of the one to show, and the references between them."""

    items: dict[int, Item]
    primary: int
    references: list[Reference]


def read_contents(data: bytes) -> Contents:
    """Reads what a HEIF file states about its items; no pixel is touched.

    Raises:
        ImageError: The file is cut, damaged, or a sequence of pictures.
        struct.error: A box ends beyond the end of the file.
    """
    meta = _meta(data)
    for needed in (b"pitm", b"iinf", b"iloc", b"iprp"):
        if needed not in meta:
            raise damaged("states nothing about its pictures")
    items = _items(data, meta[b"iinf"])
    _add_parts(data, meta, items)
    _add_properties(data, meta[b"iprp"], items)
    primary = struct.unpack_from(">I" if data[meta[b"pitm"].start] else ">H", data, meta[b"pitm"].start + 4)[0]
    references = _references(data, meta[b"iref"]) if b"iref" in meta else []
    return Contents(items, primary, references)


def _meta(data: bytes) -> dict[bytes, Box]:
    """Returns the boxes in the file's box `meta` by kind."""
    found: Box | None = None
    for box in boxes(data, 0, len(data), may_be_cut=True):
        if box.kind == b"moov":
            raise ImageError(ErrorKind.ANIMATED, "HEIC with a sequence of pictures")
        if box.kind == b"meta":
            if found is not None:
                raise damaged("describes its pictures twice")
            found = box
    if found is None:
        raise ImageError(ErrorKind.TRUNCATED, "the HEIC ends before the description of its pictures does")
    children = list(boxes(data, found.start + 4, found.end))
    meta = {box.kind: box for box in children}
    if len(meta) < len([box for box in children if box.kind not in (b"free", b"skip", b"uuid")]):
        raise damaged("describes its pictures twice")  # another reader could choose the other description
    return meta


def _items(data: bytes, box: Box) -> dict[int, Item]:
    items = dict[int, Item]()
    for entry in boxes(data, box.start + (8 if data[box.start] else 6), box.end):
        version, flags = data[entry.start], data[entry.start + 3]
        if entry.kind != b"infe" or version not in (2, 3):
            raise damaged("lists its pictures in an unknown way")
        number, _, kind = struct.unpack_from(">IH4s" if version == 3 else ">HH4s", data, entry.start + 4)
        if number in items:
            raise damaged("lists a picture twice")
        items[number] = Item(kind, bool(flags & _HIDDEN))
    return items


def _references(data: bytes, box: Box) -> list[Reference]:
    code, size = ("I", 4) if data[box.start] else ("H", 2)
    found, targets = list[Reference](), 0
    for entry in boxes(data, box.start + 4, box.end):
        source, count = struct.unpack_from(f">{code}H", data, entry.start)
        targets += count
        if targets > MAX_PARTS:
            raise damaged("has too many references")
        found.append(Reference(entry.kind, source, struct.unpack_from(f">{count}{code}", data, entry.start + size + 2)))
    return found


def _add_properties(data: bytes, box: Box, items: dict[int, Item]) -> None:
    children = list(boxes(data, box.start, box.end))
    lists = [child for child in children if child.kind == b"ipco"]
    if len(lists) != 1:
        raise damaged("states nothing about its pictures")
    properties = list(boxes(data, lists[0].start, lists[0].end))
    links = 0
    for child in children:
        if child.kind != b"ipma":
            continue
        version, is_wide = data[child.start], data[child.start + 3] & 1
        (count,), place = struct.unpack_from(">I", data, child.start + 4), child.start + 8
        for _ in range(count):
            number, linked = struct.unpack_from(">IB" if version else ">HB", data, place)
            place += 5 if version else 3
            links += 1 + linked
            if links > MAX_PARTS:
                raise damaged("has too many properties")
            places = struct.unpack_from(f">{linked}{'H' if is_wide else 'B'}", data, place)
            place += linked * (2 if is_wide else 1)
            chosen = [at - 1 for word in places if (at := word & (0x7FFF if is_wide else 0x7F))]
            if any(at >= len(properties) for at in chosen):
                raise damaged("has a picture of an unknown property")
            items.setdefault(number, Item()).properties += [properties[at] for at in chosen]


def _add_parts(data: bytes, meta: dict[bytes, Box], items: dict[int, Item]) -> None:
    """Adds where the bytes of each item lie."""
    box = meta[b"iloc"]
    version, *sizes = struct.unpack_from(">B3x2B", data, box.start)
    (of_offset, of_length), (of_base, of_index) = (divmod(size, 16) for size in sizes)
    reader = Numbers(data, box.start + 6)
    count, parts = reader.number(4 if version == 2 else 2), 0
    for _ in range(count):
        item = items.setdefault(reader.number(4 if version == 2 else 2), Item())
        method = reader.number(2) & 15 if version else _IN_FILE
        reader.number(2)
        base, extents = reader.number(of_base), reader.number(2)
        parts += 1 + extents
        if parts > MAX_PARTS or method not in (_IN_FILE, _IN_ITEM_DATA):
            raise damaged("keeps its pictures in an unknown way")
        within = meta.get(b"idat", box) if method == _IN_ITEM_DATA else Box(b"", 0, len(data))
        for _ in range(extents):
            if version:
                reader.number(of_index)
            start = within.start + base + reader.number(of_offset)
            length = reader.number(of_length)
            item.parts.append((start, start + length if length else within.end))
