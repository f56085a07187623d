"""Reads the whole-number fields of a TIFF structure, which TIFF files and EXIF blocks consist of."""

import contextlib
import struct
from typing import Literal

from melanoma.errors import ErrorKind, ImageError

_MAX_VALUES = 2**16  # values of one field: bounds the time that a file of nothing but strips can cost
SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS = 254, 255, 256, 257, 258, 259, 262
STRIP_STARTS, ORIENTATION, SAMPLES, STRIP_LENGTHS, PLANES, PREDICTOR = 273, 274, 277, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILE_STARTS, TILE_LENGTHS, SAMPLE_FORMAT = 322, 323, 324, 325, 339
_FIELDS = frozenset({
    SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, COLOURS, STRIP_STARTS, ORIENTATION, SAMPLES, STRIP_LENGTHS,
    PLANES, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_STARTS, TILE_LENGTHS, SAMPLE_FORMAT,
})  # fmt: skip
Fields = dict[int, tuple[int, ...]]  # values by tag
_FIELD_CODES = {1: "B", 3: "H", 4: "I"}  # the whole numbers among the field types
_FIELD_BYTES = dict(enumerate((0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)))  # by field type


def exif_orientation(exif: bytes) -> int:
    """Returns the orientation in an EXIF block, 1 to 8; 0 where the block is damaged or states none.

    Only the entry of the orientation has to be sound: editors leave faulty entries beside it.
    """
    block = exif.removeprefix(b"Exif\0\0")
    sign = "<" if block.startswith(b"II") else ">"
    with contextlib.suppress(struct.error):  # a damaged block is not a reason to refuse the photograph around it
        start = _first_directory(block)
        (entries,) = struct.unpack_from(f"{sign}H", block, start)
        for entry in range(start + 2, start + 2 + 12 * entries, 12):
            tag, code, count = struct.unpack_from(f"{sign}HHI", block, entry)
            if tag == ORIENTATION and code in _FIELD_CODES and count == 1:
                (orientation,) = struct.unpack_from(f"{sign}{_FIELD_CODES[code]}", block, entry + 8)
                if 1 <= orientation <= 8:
                    return int(orientation)
    return 0


def valid_orientation(fields: Fields) -> int:
    """Returns the orientation among fields, 1 to 8; 1 (upright) where there is none or it is out of range."""
    orientation = fields.get(ORIENTATION, (1,))[0]
    return orientation if 1 <= orientation <= 8 else 1


def _first_directory(block: bytes) -> int:
    """Returns the position of the first directory of a TIFF structure."""
    return int(struct.unpack_from("<I" if block.startswith(b"II") else ">I", block, 4)[0])


def read_directory(block: bytes, start: int | None = None) -> tuple[Fields, int]:
    """Reads one directory of a TIFF structure.

    Args:
        block: The structure.
        start: Position of the directory; None for the first one.

    Returns:
        The known whole-number fields, and the position of the next directory; 0 where there is none.

    Raises:
        struct.error: An offset points beyond the end of the block.
        ImageError: A field is repeated, is not made of whole numbers, or claims more than the block holds.
    """
    little = block.startswith(b"II")
    order: Literal["little", "big"] = "little" if little else "big"
    sign = "<" if little else ">"
    start = _first_directory(block) if start is None else start
    (entries,) = struct.unpack_from(f"{sign}H", block, start)
    end = start + 2 + 12 * entries
    fields: Fields = {}
    claimed = 0
    for entry in range(start + 2, end, 12):
        tag, code, count, value = struct.unpack_from(f"{sign}HHII", block, entry)
        claimed += count * _FIELD_BYTES.get(code, 0)
        if tag not in _FIELDS:
            continue
        if tag in fields or code not in _FIELD_CODES or not 1 <= count <= _MAX_VALUES:
            raise ImageError(
                ErrorKind.CORRUPT, f"TIFF field {tag} stands twice, is no whole number or has {count} values"
            )
        layout = f"{sign}{count}{_FIELD_CODES[code]}"
        fields[tag] = struct.unpack_from(layout, block, entry + 8 if struct.calcsize(layout) <= 4 else value)
    # A decoder copies every field, and fields may overlap: a small file can claim more than the memory holds.
    if claimed > len(block):
        raise ImageError(ErrorKind.CORRUPT, f"TIFF fields of {claimed} bytes in {len(block)}")
    return fields, int.from_bytes(block[end : end + 4], order)
