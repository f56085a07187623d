"""Tells whether the scans of a JPEG hold its whole picture.

A decoder accepts a file of several scans that ends behind one of them, and shows a coarser or colourless picture.
"""

from collections.abc import Iterable
from typing import NamedTuple

from melanoma.errors import ErrorKind, ImageError

_COEFFICIENTS = 64
_UNSENT = 255


class Scan(NamedTuple):
    """What the header of a scan states (ITU-T T.81, B.2.3).

    Attributes:
        components: Identifiers of the colour components in the scan.
        first: First coefficient of each block in zigzag order, 0 to 63.
        last: Last coefficient.
        low_bit: Number of bits of the coefficients that later scans send.
    """

    components: bytes
    first: int
    last: int
    low_bit: int


def read_scan(body: bytes) -> Scan:
    """Reads the body of a start-of-scan segment.

    Raises:
        ImageError: The body is shorter than it states.
    """
    number = body[0] if body else 0
    if not number or len(body) < 4 + 2 * number:
        raise ImageError(ErrorKind.CORRUPT, "a scan of the JPEG has a damaged header")
    first, last, bits = body[1 + 2 * number : 4 + 2 * number]
    return Scan(body[1 : 1 + 2 * number : 2], first, last, bits & 15)


def check_complete(components: bytes, scans: Iterable[Scan], is_progressive: bool) -> None:
    """Checks that the scans send every bit of every coefficient.

    Args:
        components: Identifiers of all colour components, as the frame header states them.
        scans: All scans of the file.
        is_progressive: Whether a scan sends only some coefficients or bits, as it states.

    Raises:
        ImageError: Something is missing: the file was cut behind a scan and closed.
    """
    unsent_bits = {component: bytearray([_UNSENT] * _COEFFICIENTS) for component in components}
    for scan in scans:
        first, last, low_bit = (scan.first, scan.last, scan.low_bit) if is_progressive else (0, 63, 0)
        length = len(range(first, min(last, _COEFFICIENTS - 1) + 1))
        for component in scan.components:
            if component in unsent_bits:
                unsent_bits[component][first : first + length] = bytes([low_bit]) * length
    if any(map(any, unsent_bits.values())):
        raise ImageError(ErrorKind.TRUNCATED, "the JPEG ends before its last scan")
