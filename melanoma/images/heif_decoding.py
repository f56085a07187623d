"""Decodes HEIC with libheif and libde265 (package `pillow_heif`, extra `heic`)."""

import importlib.metadata
import io

from PIL import Image

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.limits import Header
from melanoma.images.pillow_decoding import over_white


def heic_decoder() -> str:
    """Returns name and version of the package that decodes HEIC; empty if it is not installed."""
    try:
        return f"pillow-heif {importlib.metadata.version('pillow-heif')}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def decode_heic(data: bytes, header: Header) -> Image.Image:
    """Decodes the photograph of a HEIC file to RGB, with its rotation, mirroring and clean aperture applied.

    Samples of more than 8 bits are scaled to 8, and transparency lies over white. Thumbnails, depth and other pictures
    beside it are not decoded.

    Raises:
        ImageError: Its size is not that of the header.
        Exception: Whatever `pillow_heif` raises for damaged bytes.
    """
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1  # other processes decode other photographs at the same time
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.options.AUX_IMAGES = False
    file = pillow_heif.HeifFile(io.BytesIO(data), convert_hdr_to_8bit=True)
    photograph = file[file.primary_index]
    _check_size(photograph.size, header)
    pixels = photograph.data
    _check_size(photograph.size, header)
    image = Image.frombytes(photograph.mode, photograph.size, pixels, "raw", photograph.mode, photograph.stride)
    return over_white(image)


def _check_size(size: tuple[int, int], header: Header) -> None:
    if size != header.upright_size:
        raise ImageError(ErrorKind.CORRUPT, "the HEIC has another size than its header")
