"""The boxes of which a HEIF file consists (ISO/IEC 14496-12), and the numbers in them."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.limits import MAX_PARTS

_NEEDED = (b"meta", b"mdat")  # hold all that is read of a file


class Box(NamedTuple):
    """One box; `start` and `end` enclose its content."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int, may_be_cut: bool = False) -> Iterator[Box]:
    """Walks the boxes between two positions.

    Args:
        data: A complete file.
        start: Where the first box begins.
        end: Where the last one ends.
        may_be_cut: Whether one that goes beyond the end just ends the walk; a camera may append bytes that are not
            boxes.

    Raises:
        ImageError: A box that is needed is cut or has a wrong size, or there are more than `MAX_PARTS`.
    """
    for _ in range(MAX_PARTS):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, content)
            content += 8
        last = start + size if size else end
        if not content <= last <= end:
            if may_be_cut and kind not in _NEEDED:
                return
            if may_be_cut:
                raise ImageError(ErrorKind.TRUNCATED, f"the HEIC ends before its box {kind.decode()} does")
            raise damaged("has a box of a wrong size")
        yield Box(kind, content, last)
        start = last
    raise damaged(f"has more than {MAX_PARTS} boxes")


class Numbers:
    """Reads whole numbers of stated sizes, one behind the other."""

    def __init__(self, data: bytes, place: int) -> None:
        """Starts at a position of the file."""
        self._data, self._place = data, place

    def number(self, size: int) -> int:
        """Returns the next number of `size` bytes; 0 for no bytes.

        Raises:
            struct.error: The file ends before.
        """
        self._place += size
        if self._place > len(self._data):
            raise struct.error("beyond the end")
        return int.from_bytes(self._data[self._place - size : self._place])


def damaged(what: str) -> ImageError:
    """Returns the error of a file of which `what` says what is wrong."""
    return ImageError(ErrorKind.CORRUPT, f"the HEIC {what}")
