"""Decodes JPEGs, with every warning of the decoder taken for damage: a damaged scan is only a warning to it."""

import simplejpeg

from melanoma.images.jpeg_cleaning import only_pixel_segments, without_padding
from melanoma.images.pixels import Pixels

_BYTES_BEFORE_END = "extraneous bytes before marker 0xd9"


def jpeg_pixels(data: bytes, shape: tuple[int, int]) -> Pixels:
    """Decodes a JPEG at the smallest scale that is not below a height and a width.

    Args:
        data: A complete JPEG file that passed `read_jpeg`.
        shape: Height and width in pixels.

    Raises:
        ValueError: The scans are damaged, or of a kind that is not read.
    """
    jpeg = only_pixel_segments(data)
    try:
        return _strictly(jpeg, shape)
    except ValueError as error:
        if _BYTES_BEFORE_END not in str(error) or len(plain := without_padding(jpeg)) == len(jpeg):
            raise
        return _strictly(plain, shape)


def _strictly(jpeg: bytes, shape: tuple[int, int]) -> Pixels:
    pixels: Pixels = simplejpeg.decode_jpeg(jpeg, min_height=shape[0], min_width=shape[1], strict=True)
    return pixels
