"""Checks the HEVC units of a HEIC for damage that shows without decoding: its decoder returns pixels for any damage."""

import re
from collections.abc import Iterable

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.heif_items import Contents, Item
from melanoma.images.limits import MAX_PARTS

_NEVER_IN_A_UNIT = re.compile(rb"\0\0[\0-\2]")  # ITU-T H.265, 7.4.2: such bytes are written with a 3 between them
_LENGTH_SIZE_AT, _FIRST_OTHER_UNIT = 21, 32  # units of a lower type hold pixels


def check_units(data: bytes, contents: Contents, numbers: Iterable[int]) -> None:
    """Checks that the HEVC pictures of these numbers are there from their first unit to their last.

    Raises:
        ImageError: The file ends before a picture does, or the bytes of a picture cannot be HEVC.
    """
    read = 0
    for number in set(numbers):
        item = contents.items[number]
        if not item.parts or any(not start <= end <= len(data) for start, end in item.parts):
            raise ImageError(ErrorKind.TRUNCATED, "the HEIC ends before its pixels do")
        read += sum(end - start for start, end in item.parts)
        if read > len(data):  # bounds the time that pictures of the same bytes can cost
            raise _damaged()
        _check(b"".join(data[start:end] for start, end in item.parts), _length_size(data, item))


def _length_size(data: bytes, item: Item) -> int:
    settings = [box for box in item.properties if box.kind == b"hvcC"]
    if len(settings) != 1:
        raise ImageError(ErrorKind.CORRUPT, "the HEIC lacks the settings of its decoder")
    return (data[settings[0].start + _LENGTH_SIZE_AT] & 3) + 1


def _check(content: bytes, length_size: int) -> None:
    place, pictures = 0, 0
    for _ in range(MAX_PARTS):
        if place >= len(content):
            break
        start = place + length_size
        place = start + int.from_bytes(content[place:start])
        if place < start + 2 or place > len(content) or _NEVER_IN_A_UNIT.search(content, start, place):
            raise _damaged()
        pictures += content[start] >> 1 & 63 < _FIRST_OTHER_UNIT
    if not pictures or place < len(content):
        raise _damaged()


def _damaged() -> ImageError:
    return ImageError(ErrorKind.CORRUPT, "the pixels of the HEIC are damaged")
