"""Encodes pixels as the bytes of an image file."""

import io
from typing import Any, Literal

from PIL import Image

from melanoma.images.pixels import Pixels

Format = Literal["jpeg", "png"]


_EXIF_ORIENTATION = 0x0112


def encode(pixels: Pixels, format: Format, quality: int = 90, orientation: int = 1) -> bytes:
    """Encodes a picture as a file's bytes.

    Args:
        pixels: Shape (height, width, 3), RGB, or (height, width), grey.
        format: "jpeg" or "png".
        quality: 1 to 95, of a JPEG.
        orientation: The EXIF tag that is written beside the pixels, 1 to 8; 1 writes none.

    Returns:
        A complete file.
    """
    options: dict[str, Any] = {"quality": quality} if format == "jpeg" else {"compress_level": 1}
    if orientation != 1:
        options["exif"] = Image.Exif()
        options["exif"][_EXIF_ORIENTATION] = orientation
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format, **options)
    return data.getvalue()
