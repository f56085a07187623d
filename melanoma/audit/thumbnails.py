"""Small pictures that lie inside a page."""

import base64

from melanoma import storage
from melanoma.errors import ImageError, ReadError
from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode, read_header

_HEIGHT, _WIDEST = 132, 220


def thumbnail(uri: str) -> str | None:
    """Gives a photograph as a small JPEG in a data URI, without its metadata; None where there is no picture."""
    try:
        data = storage.read_bytes(uri)
        header = read_header(data)
        width, height = header.upright_size
        pixels = decode(data, ImageSpec(_HEIGHT, max(1, min(_WIDEST, round(_HEIGHT * width / height)))), header)
    except (ImageError, ReadError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(encoding.encode(pixels, 'jpeg', 72)).decode()}"
