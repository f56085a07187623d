"""Turns the bytes of a photograph into the pixels that a network sees; nothing else in the project does."""

import contextlib
import math
from dataclasses import dataclass

import numpy as np
import PIL
import simplejpeg
from PIL import Image

from melanoma.budget import Budget
from melanoma.errors import ErrorKind, ImageError, UsageError
from melanoma.images.headers import read_header
from melanoma.images.heif_decoding import decode_heic, heic_decoder
from melanoma.images.jpeg_decoding import jpeg_pixels
from melanoma.images.jpeg_header import has_read_sampling, sampling
from melanoma.images.limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE, Header
from melanoma.images.pillow_decoding import decode_with_pillow
from melanoma.images.pixels import Pixels

__all__ = [
    "DECODER",
    "DECODER_WITH_EXTRAS",
    "IMAGE_EXTENSIONS",
    "MAX_BYTES",
    "Header",
    "ImageSpec",
    "decode",
    "read_header",
]

# The first number counts the changes of our own code that moved a pixel of a photograph that was decoded right before.
DECODER = f"1;simplejpeg {simplejpeg.__version__};Pillow {PIL.__version__}"
# That of an extra is not part of the above: installing it must not make staged rows of every other photograph useless.
DECODER_WITH_EXTRAS = ";".join(filter(None, (DECODER, heic_decoder())))
_READ_EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"})
# Other formats are listed too: then a camera that writes HEIC shows as failures, not as an empty run.
IMAGE_EXTENSIONS = _READ_EXTENSIONS | {".gif", ".bmp", ".heic", ".heif", ".hif", ".avif", ".jp2", ".dcm", ".dicom"}

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

# Decoding takes up to 15 bytes a pixel, most for 16-bit pictures: a file of 100 kB may need 900 MB.
_BUDGET = Budget(MAX_PIXELS)
_JPEG_PIXELS_PER_UNIT = 4  # a JPEG is decoded at a smaller scale, but a progressive one holds all its coefficients


@dataclass(frozen=True)
class ImageSpec:
    """The size and crop of the pixels that a network takes.

    Attributes:
        height: Rows of the network's input in pixels, 1 to 16384.
        width: Columns of the network's input in pixels, 1 to 16384.
        crop: None stretches the whole photograph to (height, width). A number in (0, 1] takes the largest centred
            rectangle of that aspect ratio, with its sides multiplied by the number.

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

    The orientation is applied; all other metadata, colour profiles too, is ignored. Grey, palette, CMYK and 16-bit
    pictures become 8-bit RGB, transparency becomes white. The resize is bilinear and antialiased.

    Args:
        data: A complete JPEG, PNG, WebP, TIFF or HEIC file.
        spec: Size and crop of the result.
        header: Result of `read_header` on the same bytes, if it was called already.

    Returns:
        Array of shape (spec.height, spec.width, 3), values 0 to 255.

    Raises:
        ImageError: The bytes are not a photograph, or a damaged one. No other error is raised for any bytes.
        MemoryError: There is not enough memory, which says nothing about the bytes.
    """
    header = header or read_header(data)
    with reserve_memory(header):
        return _decode(data, spec, header)


def reserve_memory(header: Header) -> contextlib.AbstractContextManager[None]:
    """Keeps the threads of this process from decoding many large photographs at a time while the block runs.

    Args:
        header: Of the photograph that is decoded in the block.
    """
    pixels_per_unit = _JPEG_PIXELS_PER_UNIT if header.format == "jpeg" else 1
    return _BUDGET.reserve(header.decoded_pixels // pixels_per_unit)


def _decode(data: bytes, spec: ImageSpec, header: Header) -> Pixels:
    try:
        if header.format == "jpeg":
            image, scale = _decode_jpeg(data, header, spec)
        elif header.format == "heic":
            image, scale = decode_heic(data, header), 1.0
        else:
            image, scale = decode_with_pillow(data, header), 1.0
        image = image.transpose(_TURNS[header.orientation]) if header.orientation in _TURNS else image
        box = _seen_box(image, header, scale, spec)
        return np.array(image.resize((spec.width, spec.height), Image.Resampling.BILINEAR, box=box))
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - hostile bytes make decoders raise nearly every type there is
        raise _refusal(data, header, error) from None  # a decoder's own message may quote the metadata


def _decode_jpeg(data: bytes, header: Header, spec: ImageSpec) -> tuple[Image.Image, float]:
    """Decodes at the smallest scale n/8 that does not fall below the network's input size; returns the scale too."""
    width, height = header.upright_size
    least = max(spec.width / width, spec.height / height) / (spec.crop or 1.0)
    scale = min(8, math.ceil(8 * least)) / 8
    shape = math.ceil(header.height * scale), math.ceil(header.width * scale)
    pixels = jpeg_pixels(data, shape)
    if pixels.shape[:2] != shape:
        raise ImageError(ErrorKind.CORRUPT, "the JPEG has another size than its header")
    return Image.fromarray(pixels), scale


def _seen_box(image: Image.Image, header: Header, scale: float, spec: ImageSpec) -> tuple[float, float, float, float]:
    """Returns the left, upper, right and lower edge of what the network sees, in pixels of the decoded image.

    A scaled JPEG is rounded up to whole pixels. The fraction of a pixel that was never photographed is left out, on
    whichever side the orientation has moved it to.
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
    """Classifies an exception of a decoder as a cut or a corrupt file."""
    words = str(error).lower()
    if "out of memory" in words or "insufficient memory" in words:
        raise MemoryError from None
    if "subsampling" in words and not has_read_sampling(data):
        found = f"JPEG of chroma sampling {sampling(data)}"
        return ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{found}; 4:4:4, 4:4:0, 4:2:2, 4:2:0 and 4:1:1 are read")
    is_cut = "truncated" in words or "premature end" in words
    if header.format == "jpeg":
        is_cut = is_cut or data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")  # the end before the last scan
    # libjpeg-turbo's messages are fixed texts with numbers; Pillow's may quote the file.
    reason = str(error) if header.format == "jpeg" else type(error).__name__
    kind = ErrorKind.TRUNCATED if is_cut else ErrorKind.CORRUPT
    return ImageError(kind, f"the {header.format} decoder gave up: {reason}")
