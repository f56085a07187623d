"""Reads the header of a TIFF: size, compression and colours, and where its pixels lie."""

import math

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.limits import MAX_PIXELS, Header, check_size

_UNCOMPRESSED, _LOSSLESS_COMPRESSIONS = 1, frozenset({1, 5, 8, 32773, 32946})
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK = 0, 1, 2, 3, 5
# Bits of a sample that the decoder reads right, by colours; a test tries every combination.
_BITS = {
    _WHITE_IS_ZERO: {1, 2, 4, 8},
    _BLACK_IS_ZERO: {1, 2, 4, 8, 12, 16},
    _RGB: {8, 16},
    _PALETTE: {1, 2, 4, 8},
    _CMYK: {8, 16},
}
_SEPARATE_PLANES, _UNSIGNED, _SIGNED, _NO_PREDICTOR, _DIFFERENCES = 2, 1, 2, 1, 2
_REDUCED, _OLD_REDUCED = 1, 2  # a bit of the new field, a value of the old one (TIFF 6.0, NewSubfileType, SubfileType)
_MAX_PAGES = 16
_READ = "lossless grey, palette, RGB or CMYK of 1 to 16 bits without signs"
_COMPRESSION_NAMES = {
    1: "no", 2: "fax", 3: "fax", 4: "fax", 5: "LZW", 6: "JPEG", 7: "JPEG", 8: "Deflate", 32773: "PackBits",
    32946: "Deflate", 34712: "JPEG 2000", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
}  # fmt: skip
_COLOUR_NAMES = {
    0: "inverted grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab",
    32803: "camera sensor", 34892: "camera sensor",
}  # fmt: skip
_SAMPLE_NAMES = {2: "signed", 3: "floating-point", 4: "untyped", 5: "complex", 6: "complex"}
_TWELVE_BIT_WHITE, _SIXTEEN_BIT_WHITE = 4095, 65535


def read_tiff(data: bytes) -> Header:
    """Reads the header of a TIFF file.

    Raises:
        ImageError: The file is cut, damaged, of several pages, of a kind that is not decoded, or beyond a limit.
        struct.error: An offset points beyond the end of the file.
    """
    fields, next_page = tiff_tags.read_directory(data)
    width, height = _first(fields, tiff_tags.WIDTH, 0), _first(fields, tiff_tags.HEIGHT, 0)
    check_size(width, height)
    _check_samples(fields, data.startswith(b"II"))
    _check_further_pages(data, next_page)
    _check_extent(fields, width * height, len(data))
    orientation, tiles = tiff_tags.valid_orientation(fields), _tile_pixels(fields, width, height)
    white = _TWELVE_BIT_WHITE if 12 in _bits(fields) else _SIXTEEN_BIT_WHITE
    return Header("tiff", width, height, orientation, tiles, white)


def _check_samples(fields: tiff_tags.Fields, is_little_endian: bool) -> None:
    """Refuses pixels that the decoder would misread, and a thumbnail in the photograph's place."""
    compression, colours = _compression(fields), _first(fields, tiff_tags.COLOURS, -1)
    bits, is_separate = _bits(fields), _first(fields, tiff_tags.PLANES, 1) == _SEPARATE_PLANES
    if not bits:
        raise ImageError(ErrorKind.CORRUPT, "the TIFF has no samples")
    is_deep_grey = bits == (16,) and colours == _BLACK_IS_ZERO  # whose decoder tells signs apart
    formats = {_UNSIGNED, _SIGNED} if is_deep_grey else {_UNSIGNED}
    is_read = (
        compression in _LOSSLESS_COMPRESSIONS
        and not _is_reduced(fields)
        and set(bits) <= _BITS.get(colours, set())
        and (bits[0] != 12 or (is_little_endian and len(bits) == 1))
        and not (bits[0] == 16 and is_separate and compression == _UNCOMPRESSED)
        and set(fields.get(tiff_tags.SAMPLE_FORMAT, (_UNSIGNED,))) <= formats
        and _first(fields, tiff_tags.PREDICTOR, _NO_PREDICTOR) in (_NO_PREDICTOR, _DIFFERENCES)
    )
    if not is_read:
        raise ImageError(ErrorKind.UNSUPPORTED_FORMAT, f"{_kind_in_words(fields, bits)}; read are {_READ}")


def _kind_in_words(fields: tiff_tags.Fields, bits: tuple[int, ...]) -> str:
    compression, colours = _compression(fields), _first(fields, tiff_tags.COLOURS, -1)
    samples = _first(fields, tiff_tags.SAMPLE_FORMAT, _UNSIGNED)
    words = [
        f"{_COMPRESSION_NAMES.get(compression, 'unusual')} compression ({compression})",
        f"{_COLOUR_NAMES.get(colours, 'unusual')} colours ({colours})",
        f"{max(bits)} bits",
        *([f"{_SAMPLE_NAMES.get(samples, 'unusual')} samples"] if samples != _UNSIGNED else []),
        *([f"predictor {predictor}"] if (predictor := _first(fields, tiff_tags.PREDICTOR, 1)) > _DIFFERENCES else []),
        *(["a thumbnail as its first page"] if _is_reduced(fields) else []),
    ]
    return f"TIFF of {', '.join(words)}"


def _check_further_pages(data: bytes, next_page: int) -> None:
    """Refuses further pages, except smaller copies of the first one, which some programs add as a preview."""
    for _ in range(_MAX_PAGES):
        if not next_page:
            return
        fields, next_page = tiff_tags.read_directory(data, next_page)
        if not _is_reduced(fields):
            raise ImageError(ErrorKind.ANIMATED, "TIFF of several pages")
    raise ImageError(ErrorKind.CORRUPT, f"TIFF of more than {_MAX_PAGES} pages")


def _check_extent(fields: tiff_tags.Fields, pixels: int, size: int) -> None:
    """Refuses a file of `size` bytes that ends before its pixels do."""
    starts = fields.get(tiff_tags.STRIP_STARTS) or fields.get(tiff_tags.TILE_STARTS, ())
    lengths = fields.get(tiff_tags.STRIP_LENGTHS) or fields.get(tiff_tags.TILE_LENGTHS, ())
    if not starts or len(starts) != len(lengths):
        raise ImageError(ErrorKind.CORRUPT, "the TIFF does not say where its pixels are")
    is_short = _compression(fields) == _UNCOMPRESSED and 8 * sum(lengths) < pixels * sum(_bits(fields))
    if is_short or any(start + length > size for start, length in zip(starts, lengths, strict=True)):
        raise ImageError(ErrorKind.TRUNCATED, "the TIFF ends before its pixels do")


def _tile_pixels(fields: tiff_tags.Fields, width: int, height: int) -> int:
    """Returns the pixels of all tiles, which are unpacked whole, however little of them is the picture; 0 for none."""
    across, down = _first(fields, tiff_tags.TILE_WIDTH, 0), _first(fields, tiff_tags.TILE_HEIGHT, 0)
    if not across or not down:
        return 0
    stored = math.ceil(width / across) * across * math.ceil(height / down) * down
    if stored > MAX_PIXELS:
        raise ImageError(
            ErrorKind.TOO_MANY_PIXELS, f"tiles of {stored} pixels in all; at most {MAX_PIXELS} are decoded"
        )
    return stored


def _is_reduced(fields: tiff_tags.Fields) -> bool:
    """Tells whether a page is a smaller copy of another one."""
    is_new = _first(fields, tiff_tags.SUBFILE, 0) & _REDUCED
    return bool(is_new) or _first(fields, tiff_tags.OLD_SUBFILE, 0) == _OLD_REDUCED


def _compression(fields: tiff_tags.Fields) -> int:
    return _first(fields, tiff_tags.COMPRESSION, _UNCOMPRESSED)


def _bits(fields: tiff_tags.Fields) -> tuple[int, ...]:
    """Returns the bits of each sample of a pixel."""
    bits = fields.get(tiff_tags.BITS, (1,))
    samples = _first(fields, tiff_tags.SAMPLES, 1)
    return bits * samples if len(bits) == 1 and samples <= 8 else bits


def _first(fields: tiff_tags.Fields, tag: int, default: int) -> int:
    return fields.get(tag, (default,))[0]
