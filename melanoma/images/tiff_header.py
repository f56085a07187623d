"""Reads the header of a TIFF: size, compression and colours, and where its pixels lie."""

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.limits import Header, check_size

_UNCOMPRESSED, _LOSSLESS_COMPRESSIONS = 1, frozenset({1, 5, 8, 32773, 32946})
_WHITE_IS_ZERO, _GREY_PALETTE_RGB_CMYK = 0, frozenset({0, 1, 2, 3, 5})


def read_tiff(data: bytes) -> Header:
    """Reads the header of a TIFF file.

    Raises:
        ImageError: The file is cut, damaged, of several pages, of a kind that is not decoded, or beyond a limit.
        struct.error: An offset points beyond the end of the file.
    """
    fields, next_page = tiff_tags.read_directory(data)
    width, height = fields.get(tiff_tags.WIDTH, (0,))[0], fields.get(tiff_tags.HEIGHT, (0,))[0]
    check_size(width, height)
    _check_samples(fields)
    if next_page:
        raise ImageError(ErrorKind.ANIMATED, "TIFF of several pages")
    _check_extent(fields, width * height, len(data))
    return Header("tiff", width, height, tiff_tags.valid_orientation(fields))


def _check_samples(fields: tiff_tags.Fields) -> None:
    """Refuses pixels that the decoder would misread, and a thumbnail in the photograph's place."""
    compression, colours = _compression(fields), fields.get(tiff_tags.COLOURS, (-1,))[0]
    bits, is_thumbnail = _bits(fields), fields.get(tiff_tags.SUBFILE, (0,))[0] & 1
    known = compression in _LOSSLESS_COMPRESSIONS and colours in _GREY_PALETTE_RGB_CMYK and not is_thumbnail
    if not known or max(bits) > (8 if colours == _WHITE_IS_ZERO else 16):
        found = f"TIFF of compression {compression}, colours {colours}, {max(bits)} bits"
        expected = "lossless grey, palette, RGB or CMYK of 1 to 16 bits, no thumbnail first"
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{found}; read is {expected}")


def _check_extent(fields: tiff_tags.Fields, pixels: int, size: int) -> None:
    """Refuses a file of `size` bytes that ends before its pixels do."""
    starts = fields.get(tiff_tags.STRIP_STARTS) or fields.get(tiff_tags.TILE_STARTS, ())
    lengths = fields.get(tiff_tags.STRIP_LENGTHS) or fields.get(tiff_tags.TILE_LENGTHS, ())
    if not starts or len(starts) != len(lengths):
        raise ImageError(ErrorKind.CORRUPT, "the TIFF does not say where its pixels are")
    is_short = _compression(fields) == _UNCOMPRESSED and 8 * sum(lengths) < pixels * sum(_bits(fields))
    if is_short or any(start + length > size for start, length in zip(starts, lengths, strict=True)):
        raise ImageError(ErrorKind.TRUNCATED, "the TIFF ends before its pixels do")


def _compression(fields: tiff_tags.Fields) -> int:
    return fields.get(tiff_tags.COMPRESSION, (_UNCOMPRESSED,))[0]


def _bits(fields: tiff_tags.Fields) -> tuple[int, ...]:
    """Returns the bits of each sample of a pixel."""
    return fields.get(tiff_tags.BITS, (1,))
