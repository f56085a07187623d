"""A tiny JPEG encoder for pictures of one colour, with any sampling factors (ITU-T T.81)."""

import math
import struct
from collections.abc import Sequence

from tests.helpers.image_bytes import END_OF_IMAGE, jpeg_segment

_TABLE = bytes([0, 0, 0, 12, *[0] * 12]) + bytes(range(12))  # twelve codes of four bits: the value is the code
_QUANTISATION = 8


def flat_jpeg(
    width: int, height: int, levels: Sequence[int], factors: Sequence[tuple[int, int]], marker: int = 0xC0
) -> bytes:
    """Writes a sequential JPEG in one scan.

    Args:
        width: Pixels of a row.
        height: Rows.
        levels: Level of each component, 0 to 255; Y, Cb, Cr for three.
        factors: Horizontal and vertical sampling factor of each component, 1 to 4.
        marker: Marker of the frame.
    """
    widest, highest = (max(factor[axis] for factor in factors) for axis in (0, 1))
    components = b"".join(bytes([at, h << 4 | v, 0]) for at, (h, v) in enumerate(factors, 1))
    units = math.ceil(width / (8 * widest)) * math.ceil(height / (8 * highest))
    bits = "".join(
        _block(level - 128 if unit == 0 and block == 0 else 0)
        for unit in range(units)
        for level, (h, v) in zip(levels, factors, strict=True)
        for block in range(h * v)
    )
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    selectors = b"".join(bytes([at, 0]) for at in range(1, len(factors) + 1))
    return b"".join([
        b"\xff\xd8",
        jpeg_segment(0xDB, b"\0" + bytes([_QUANTISATION] * 64)),
        jpeg_segment(marker, struct.pack(">BHHB", 8, height, width, len(factors)) + components),
        jpeg_segment(0xC4, b"\x00" + _TABLE),
        jpeg_segment(0xC4, b"\x10" + _TABLE),
        jpeg_segment(0xDA, bytes([len(factors)]) + selectors + b"\0\x3f\0"),
        scan,
        END_OF_IMAGE,
    ])  # fmt: skip


def _block(step: int) -> str:
    """Returns the bits of a block: the step of its mean against the block before, and no other coefficient."""
    size = abs(step).bit_length()
    value = step if step > 0 else step + (1 << size) - 1
    return f"{size:04b}" + (f"{value:0{size}b}" if size else "") + "0000"
