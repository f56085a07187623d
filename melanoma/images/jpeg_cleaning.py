"""Rewrites the header of a JPEG so that its decoder sees only what makes pixels.

The decoder treats every warning as damage, for a damaged scan is only a warning to it. But it also warns about what
says nothing about the picture, and phones and editors write that wrongly: the numbers of colour profiles, versions of
JFIF, bytes between segments, scan parameters of a progressive file in a sequential one. So it never sees these.
"""

from collections.abc import Iterator

from melanoma.images.jpeg_segments import (
    APP0,
    APP14,
    APP15,
    COMMENT,
    EOI,
    EXTENSIONS,
    FRAMES,
    PROGRESSIVE,
    SOS,
    Segment,
    segments,
)

_JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"  # version 1.1, square pixels, no thumbnail
_ADOBE_BYTES = 12
_COLOUR_TRANSFORMS = {3: (0, 1), 4: (0, 2)}  # known ones by channels; the decoder takes the last for any other
_WHOLE_BLOCKS = b"\0\x3f\0"  # scan parameters of a sequential JPEG (ITU-T T.81, table B.3)


def only_pixel_segments(data: bytes) -> bytes:
    """Returns a JPEG file without the segments that hold no pixels; colours and pixels stay the same.

    Args:
        data: A complete JPEG file that passed `read_jpeg`.
    """
    walk = list(_segments_to_first_scan(data))
    frame = next(segment for segment in walk if segment.marker in FRAMES)
    scan = walk[-1]
    header = b"".join(_cleaned(data, segment, channels=data[frame.start + 5]) for segment in walk[:-1])
    if frame.marker == PROGRESSIVE:
        return data[:2] + header + data[scan.start - 4 :]
    return data[:2] + header + _with_whole_blocks(data, scan, channels=data[frame.start + 5])


def without_padding(data: bytes) -> bytes:
    """Returns a JPEG file without the zero bytes that some programs add behind the last scan; others stay."""
    end = next(segment.start for segment in segments(data) if segment.marker == EOI) - 2
    scan = data[:end].rstrip(b"\0")
    return scan + (b"\0" if scan.endswith(b"\xff") else b"") + data[end:]


def _segments_to_first_scan(data: bytes) -> Iterator[Segment]:
    """Yields the segments of a JPEG up to the header of its first scan."""
    for segment in segments(data):
        yield segment
        if segment.marker in (SOS, EOI):
            return


def _cleaned(data: bytes, segment: Segment, channels: int) -> bytes:
    """Returns a segment in front of the first scan as the decoder is to see it; empty if it holds no pixels."""
    body = data[segment.start : segment.end]
    if segment.marker == APP0 and len(body) >= 14 and body.startswith(b"JFIF\0"):
        return _JFIF
    if segment.marker == APP14 and len(body) >= _ADOBE_BYTES and body.startswith(b"Adobe"):
        known = _COLOUR_TRANSFORMS.get(channels, (0,))
        transform = body[11] if body[11] in known else known[-1]
        return b"\xff\xee\0\x0e" + body[:11] + bytes([transform])
    is_pixel_free = APP0 <= segment.marker <= APP15 or segment.marker in EXTENSIONS | {COMMENT}
    return b"" if is_pixel_free else data[segment.start - 4 : segment.end]


def _with_whole_blocks(data: bytes, first_scan: Segment, channels: int) -> bytes:
    """Returns a sequential JPEG from its first scan on, with the scan parameters that such a file must have."""
    parts, place = [], first_scan.start - 4
    scans = [first_scan] if data[first_scan.start] >= channels else [s for s in segments(data) if s.marker == SOS]
    for scan in scans:
        parameters = scan.start + 1 + 2 * data[scan.start]
        if parameters + 3 <= scan.end:
            parts += [data[place:parameters], _WHOLE_BLOCKS]
            place = parameters + 3
    return b"".join([*parts, data[place:]])
