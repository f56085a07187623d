"""Walks the segments of a JPEG file."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.limits import MAX_PARTS

# A marker that opens a segment or ends the picture: no stuffing, no padding, no restart.
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
APP0, APP1, APP14, APP15 = 0xE0, 0xE1, 0xEE, 0xEF
EOI, SOS, COMMENT = 0xD9, 0xDA, 0xFE
EXTENSIONS = frozenset(range(0xF0, 0xFE))  # of JPEG, which hold no pixels of the frames that are read
PROGRESSIVE = 0xC2
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Segment(NamedTuple):
    """One segment of a JPEG file.

    Attributes:
        marker: Second byte of the marker.
        start: Position of the body, behind marker and length.
        end: Position behind the body; equals `start` for the end marker.
    """

    marker: int
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yields every segment up to the end marker, also those between scans; bytes between segments are skipped.

    Raises:
        ImageError: The file ends before its end marker, or has more than `MAX_PARTS` segments.
    """
    end = 2
    for _ in range(MAX_PARTS):
        found = _MARKER.search(data, end)
        if found is None:
            break
        marker, length_at = found[0][1], found.end()
        if marker == EOI:
            yield Segment(marker, length_at, length_at)
            return
        end = length_at + max(2, int.from_bytes(data[length_at : length_at + 2]))
        if end > len(data):
            break
        yield Segment(marker, length_at + 2, end)
    else:
        raise ImageError(ErrorKind.CORRUPT, f"more than {MAX_PARTS} segments")
    raise ImageError(ErrorKind.TRUNCATED, "the JPEG ends before its last marker")
