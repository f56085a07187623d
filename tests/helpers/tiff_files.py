"""Writes TIFF files of every kind that the header check lets through, from samples."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNCOMPRESSED, ADOBE_DEFLATE = 1, 8
_SHORT, _LONG = 3, 4
Fields = dict[int, tuple[int, ...]]  # values by tag


@dataclass(frozen=True)
class TiffKind:
    """How a TIFF stores its samples.

    Attributes:
        bits: Bits of a sample: 1, 2, 4, 8, 12 or 16.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK.
        order: `<` or `>`.
        compression: `UNCOMPRESSED` or `ADOBE_DEFLATE`.
        predictor: 1 none, 2 differences along a row (8 and 16 bits).
        is_planar: Whether each channel is stored on its own.
        is_tiled: Whether the pixels are in one tile of the picture's size, rounded up to 16.
    """

    bits: int = 8
    photometric: int = 1
    order: str = "<"
    compression: int = UNCOMPRESSED
    predictor: int = 1
    is_planar: bool = False
    is_tiled: bool = False


def tiff_file(
    samples: npt.NDArray[np.integer], kind: TiffKind, further: dict[int, tuple[int, ...]] | None = None
) -> bytes:
    """Writes a TIFF of one page.

    Args:
        samples: Shape (height, width, channels), values 0 to 2**bits - 1.
        kind: How to store them.
        further: More whole-number fields, by tag.
    """
    height, width, channels = samples.shape
    if kind.is_tiled:
        samples = np.pad(samples, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
    planes = [samples[:, :, [at]] for at in range(channels)] if kind.is_planar else [samples]
    blocks = [_block(plane, kind) for plane in planes]
    fields: Fields = {
        256: (width,),
        257: (height,),
        258: (kind.bits,) * channels,
        259: (kind.compression,),
        262: (kind.photometric,),
        277: (channels,),
        284: (2 if kind.is_planar else 1,),
        317: (kind.predictor,),
    }
    starts, lengths = (324, 325) if kind.is_tiled else (273, 279)
    fields |= {322: (samples.shape[1],), 323: (samples.shape[0],)} if kind.is_tiled else {278: (height,)}
    places = np.cumsum([8, *map(len, blocks)])[:-1]
    fields |= {starts: tuple(map(int, places)), lengths: tuple(map(len, blocks))} | (further or {})
    data = b"".join(blocks)
    data += bytes(len(data) % 2)
    return (
        _mark(kind.order)
        + struct.pack(f"{kind.order}I", 8 + len(data))
        + data
        + directory(fields, kind.order, 8 + len(data))
    )


def directory(fields: Fields, order: str, place: int, next_page: int = 0) -> bytes:
    """Writes a directory that begins at `place`, with the values that do not fit into it behind it."""
    outside = place + 2 + 12 * len(fields) + 4
    entries, values = b"", b""
    for tag, numbers in sorted(fields.items()):
        code, letter = (_LONG, "I") if max(numbers) > 65535 or tag in (273, 279, 324, 325) else (_SHORT, "H")
        packed = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        entries += struct.pack(f"{order}HHI", tag, code, len(numbers))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", outside + len(values))
            values += packed
    return struct.pack(f"{order}H", len(fields)) + entries + struct.pack(f"{order}I", next_page) + values


def _mark(order: str) -> bytes:
    return b"II*\0" if order == "<" else b"MM\0*"


def _block(samples: npt.NDArray[np.integer], kind: TiffKind) -> bytes:
    rows = samples.reshape(samples.shape[0], -1).astype(np.int64)
    if kind.predictor == 2:
        differences = samples.astype(np.int64)
        differences[:, 1:] -= samples[:, :-1]
        rows = differences.reshape(samples.shape[0], -1) % (1 << kind.bits)
    if kind.bits == 16:
        data = rows.astype(f"{kind.order}u2").tobytes()
    else:
        digits = rows[:, :, None] >> np.arange(kind.bits - 1, -1, -1) & 1
        data = np.packbits(digits.reshape(samples.shape[0], -1).astype(np.uint8), axis=1).tobytes()
    return zlib.compress(data) if kind.compression == ADOBE_DEFLATE else data
