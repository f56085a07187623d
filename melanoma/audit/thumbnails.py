"""Small copies of photographs, embedded in a page."""

import base64

from melanoma import storage
from melanoma.errors import ImageError, ReadError
from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode, read_header

_HEIGHT, _MAX_WIDTH = 132, 220  # pixels; the header check refuses photographs narrower than a twentieth of their height


def thumbnail(uri: str) -> str | None:
    """Returns a small JPEG copy of a photograph as a data URI, without metadata; None if the file is unreadable."""
    try:
        data = storage.read_bytes(uri)
        header = read_header(data)
        width, height = header.upright_size
        pixels = decode(data, ImageSpec(_HEIGHT, min(_MAX_WIDTH, round(_HEIGHT * width / height))), header)
    except (ImageError, ReadError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(encoding.encode(pixels, 'jpeg', 72)).decode()}"
