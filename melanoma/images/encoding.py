"""Encodes pixels as JPEG or PNG files."""

import io
from typing import Any, Literal

from PIL import Image

from melanoma.images.pixels import Pixels

Format = Literal["jpeg", "png"]
_EXIF_ORIENTATION = 0x0112


def encode(pixels: Pixels, format: Format, quality: int = 90, orientation: int = 1) -> bytes:
    """Encodes an image.

    Args:
        pixels: Shape (height, width, 3) for RGB, or (height, width) for grey.
        format: "jpeg" or "png".
        quality: JPEG quality, 1 to 95.
        orientation: EXIF orientation to store with the pixels, 1 to 8; 1 stores none. The pixels are not turned.

    Returns:
        The bytes of a complete file.
    """
    options: dict[str, Any] = {"quality": quality} if format == "jpeg" else {"compress_level": 1}
    if orientation != 1:
        options["exif"] = Image.Exif()
        options["exif"][_EXIF_ORIENTATION] = orientation
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format, **options)
    return data.getvalue()
