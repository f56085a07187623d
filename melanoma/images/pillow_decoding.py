"""Decodes PNG, WebP and TIFF with Pillow, held to the format that the header check saw."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.limits import Header
from melanoma.images.png_header import only_pixel_chunks

_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK"})
_PNG_BITS = 24  # where a PNG states the bits of a sample
_DEEP_MODES = frozenset({"I;16", "I;16L", "I;16B", "I"})


class _StoredTiff(TiffImageFile):
    """A TIFF as it is stored: Pillow would apply its orientation, also from XMP, and read all its metadata for it."""

    def load_end(self) -> None:
        """Takes the size from the pixels; Pillow has swapped the sides for an orientation of 5 to 8."""
        self._size = self.im.size


# Called by name, so that hostile bytes reach none of Pillow's forty other parsers.
_PARSERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    "png": PngImageFile,
    "webp": WebPImageFile,
    "tiff": _StoredTiff,
}


def decode_with_pillow(data: bytes, header: Header) -> Image.Image:
    """Decodes a file to RGB as it is stored, with the orientation not applied and transparency over white.

    Raises:
        ImageError: Its size is not that of the header, or its samples are of a type that is not read.
        Exception: Whatever Pillow raises for damaged bytes.
    """
    image = _PARSERS[header.format](io.BytesIO(only_pixel_chunks(data) if header.format == "png" else data))
    if sorted(image.size) != sorted(header.upright_size):
        raise ImageError(ErrorKind.CORRUPT, f"the {header.format} has another size than its header")
    image.load()
    if image.mode in _DEEP_MODES:
        return _from_deep_samples(image, header.white)
    if image.mode not in _EIGHT_BIT_MODES:
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"samples of type {image.mode}; 1 to 16 bits are read")
    if header.format == "png" and image.mode == "L" and isinstance(key := image.info.get("transparency"), int):
        image.info["transparency"] = key * 255 // (2 ** data[_PNG_BITS] - 1)  # Pillow scales the pixels, not the key
    return over_white(image)


def over_white(image: Image.Image) -> Image.Image:
    """Returns an image of any 8-bit mode in RGB; whatever is transparent lies over white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(layer, mask=layer.getchannel("A"))
    return page


def _from_deep_samples(image: Image.Image, white: int) -> Image.Image:
    """Scales 0..white to the nearest of 0..255, where Pillow's own conversion would clip at 255."""
    values = np.asarray(image).astype(np.int32)
    if values.min() < 0 or values.max() > white:
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"samples beyond 0 to {white}")
    grey = (values * 255 + white // 2) // white
    grey[values == image.info.get("transparency", -1)] = 255
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
