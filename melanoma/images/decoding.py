"""The one way from the bytes of a photograph to the pixels that a network sees."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import PIL
import simplejpeg
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from melanoma.errors import ErrorKind, ImageError, UsageError
from melanoma.images.headers import MAX_BYTES, MAX_PIXELS, MAX_SIDE, Header, png_chunks, read_header
from melanoma.images.pixel_budget import PixelBudget
from melanoma.images.pixels import Pixels

__all__ = ["DECODER", "IMAGE_EXTENSIONS", "MAX_BYTES", "Header", "ImageSpec", "decode", "read_header"]

# The first number counts the changes of this module that moved a pixel.
DECODER = f"1;simplejpeg {simplejpeg.__version__};Pillow {PIL.__version__}"
_READ_EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"})
# What is not read is refused by content: a camera that writes HEIC shows as failures, not as an empty night.
IMAGE_EXTENSIONS = _READ_EXTENSIONS | {".gif", ".bmp", ".heic", ".heif", ".avif", ".jp2"}

_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK"})
_SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I"})
_SIXTEEN_BIT_WHITE = 65535

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FAR_EDGE_COMES_LEFT = frozenset({2, 3, 6, 7})
_FAR_EDGE_COMES_UP = frozenset({3, 4, 7, 8})


# Up to 15 bytes a pixel, 16-bit pictures more than others: a file of 100 kB may need 900 MB.
_BUDGET = PixelBudget(MAX_PIXELS)
_SCALED = 4  # a JPEG is decoded small, but a progressive one holds its coefficients meanwhile


@dataclass(frozen=True)
class ImageSpec:
    """What a network wants to see.

    Attributes:
        height: Rows of the network's input in pixels, 1 to 16384.
        width: Columns of the network's input in pixels, 1 to 16384.
        crop: None stretches the whole photograph to (height, width). A share in (0, 1] takes the largest
            centred rectangle of that aspect ratio, its sides times the share.

    Raises:
        UsageError: A value lies outside its range.
    """

    height: int
    width: int
    crop: float | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.height <= MAX_SIDE and 1 <= self.width <= MAX_SIDE):
            raise UsageError(f"image size {self.height}x{self.width}: give sides of 1 to {MAX_SIDE} pixels")
        if self.crop is not None and not 0 < self.crop <= 1:
            raise UsageError(f"crop {self.crop}: give a share above 0 and at most 1, or none")


def decode(data: bytes, spec: ImageSpec, header: Header | None = None) -> Pixels:
    """Decodes one photograph for the network; safe to call from several threads.

    The EXIF orientation is applied and all other metadata ignored, colour profiles too. Grey, palette, CMYK
    and 16-bit pictures become 8-bit RGB, transparency becomes white. The resize is bilinear and antialiased.

    Args:
        data: A complete JPEG, PNG, WebP or TIFF file.
        spec: Size and crop of the result.
        header: What `read_header` said of the same bytes, where that is known already.

    Returns:
        Array of shape (spec.height, spec.width, 3), values 0 to 255.

    Raises:
        ImageError: The bytes are no photograph or a damaged one; nothing else is raised whatever they are.
    """
    header = header or read_header(data)
    share = _SCALED if header.format == "jpeg" else 1
    with _BUDGET.reserve(header.width * header.height // share):
        return _decode(data, spec, header)


def _decode(data: bytes, spec: ImageSpec, header: Header) -> Pixels:
    try:
        if header.format == "jpeg":
            image, scale = _decode_jpeg(data, header, spec)
        else:
            image, scale = _decode_with_pillow(data, header), 1.0
        image = image.transpose(_TURNS[header.orientation]) if header.orientation in _TURNS else image
        box = _seen_box(image, header, scale, spec)
        return np.array(image.resize((spec.width, spec.height), Image.Resampling.BILINEAR, box=box))
    except ImageError:
        raise
    except Exception as error:  # noqa: BLE001 - hostile bytes make decoders raise nearly every type there is
        raise _refusal(data, header, error) from None  # a decoder's own words may quote the metadata


def _decode_jpeg(data: bytes, header: Header, spec: ImageSpec) -> tuple[Image.Image, float]:
    """Decodes at the smallest scale n/8 at which what the network sees is not below its input."""
    width, height = header.upright_size
    least = max(spec.width / width, spec.height / height) / (spec.crop or 1.0)
    scale = min(8, math.ceil(8 * least)) / 8
    shape = math.ceil(header.height * scale), math.ceil(header.width * scale)
    pixels = simplejpeg.decode_jpeg(data, min_height=shape[0], min_width=shape[1], strict=True)
    if pixels.shape[:2] != shape:
        raise ImageError(ErrorKind.CORRUPT, "the JPEG has another size than its header")
    return Image.fromarray(pixels), scale


class _StoredTiff(TiffImageFile):
    """A TIFF as it is stored: Pillow would turn it, also by XMP, and read all its metadata on the way."""

    def load_end(self) -> None:
        """Takes the size from the pixels; Pillow has swapped the sides for an orientation of 5 to 8."""
        self._size = self.im.size


# Called by name, so that hostile bytes reach none of Pillow's forty other parsers.
_PARSERS: dict[str, Callable[[io.BytesIO], ImageFile]] = {
    "png": PngImageFile,
    "webp": WebPImageFile,
    "tiff": _StoredTiff,
}


def _decode_with_pillow(data: bytes, header: Header) -> Image.Image:
    image = _PARSERS[header.format](io.BytesIO(_pixel_chunks(data) if header.format == "png" else data))
    if sorted(image.size) != sorted(header.upright_size):
        raise ImageError(ErrorKind.CORRUPT, f"the {header.format} has another size than its header")
    image.load()
    if image.mode in _SIXTEEN_BIT_MODES:
        return _from_sixteen_bits(image)
    if image.mode not in _EIGHT_BIT_MODES:
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"samples of type {image.mode}; 1 to 16 bits are read")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(layer, mask=layer.getchannel("A"))
    return page


def _pixel_chunks(data: bytes) -> bytes:
    """Keeps what makes the pixels of a PNG, so that no text or profile is ever unpacked."""
    return data[:8] + b"".join(data[start:end] for kind, start, end in png_chunks(data) if kind in _PIXEL_CHUNKS)


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """Scales 0..65535 to the nearest of 0..255, where Pillow's own conversion would clip at 255."""
    values = np.asarray(image).astype(np.int32)
    if values.min() < 0 or values.max() > _SIXTEEN_BIT_WHITE:
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"samples beyond 0 to {_SIXTEEN_BIT_WHITE}")
    grey = (values + 128) // 257
    grey[values == image.info.get("transparency", -1)] = 255
    return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def _seen_box(image: Image.Image, header: Header, scale: float, spec: ImageSpec) -> tuple[float, float, float, float]:
    """Gives left, upper, right and lower edge of what the network sees, in pixels of the decoded image.

    A scaled JPEG is rounded up to whole pixels: the share of a pixel that was never photographed stays out,
    on whichever side the orientation has brought it.
    """
    width, height = (side * scale for side in header.upright_size)
    left = image.width - width if header.orientation in _FAR_EDGE_COMES_LEFT else 0.0
    upper = image.height - height if header.orientation in _FAR_EDGE_COMES_UP else 0.0
    if spec.crop is not None:
        zoom = spec.crop * min(width / spec.width, height / spec.height)
        left, width = left + (width - zoom * spec.width) / 2, zoom * spec.width
        upper, height = upper + (height - zoom * spec.height) / 2, zoom * spec.height
    return max(left, 0.0), max(upper, 0.0), min(left + width, image.width), min(upper + height, image.height)


def _refusal(data: bytes, header: Header, error: Exception) -> ImageError:
    words = str(error).lower()
    is_cut = "truncated" in words or "premature end" in words
    if header.format == "jpeg":
        is_cut = is_cut or data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")  # the end before the last scan
    # libjpeg-turbo's messages are fixed texts with numbers; Pillow's may quote the file.
    reason = str(error) if header.format == "jpeg" else type(error).__name__
    kind = ErrorKind.TRUNCATED if is_cut else ErrorKind.CORRUPT
    return ImageError(kind, f"the {header.format} decoder gave up: {reason}")
