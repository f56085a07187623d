"""Grey, palette, CMYK, transparent and 16-bit pictures become 8-bit RGB."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.headers import read_header
from melanoma.images.limits import Header
from melanoma.images.pillow_decoding import decode_with_pillow
from tests.helpers import image_bytes
from tests.helpers.decoded import kind_of
from tests.helpers.image_bytes import PNG_SIGNATURE, encode, exif, photograph, png_chunk


def plain(data: bytes) -> list[int]:
    """Decodes a one-colour picture and returns its colour."""
    pixels = decode(data, ImageSpec(5, 5))
    assert np.ptp(pixels, axis=(0, 1)).max() == 0
    return [int(level) for level in pixels[0, 0]]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_opaque_modes_become_rgb(format: str) -> None:
    size = (9, 9)
    palette = Image.new("P", size, 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert plain(encode(Image.new("L", size, 77), format)) == [77, 77, 77]
    assert plain(encode(Image.new("1", size, 1), format)) == [255, 255, 255]
    assert plain(encode(palette, format)) == [10, 20, 30]
    assert plain(encode(Image.new("RGB", size, (1, 2, 3)), format)) == [1, 2, 3]


def test_a_cmyk_tiff_becomes_rgb() -> None:
    assert plain(encode(Image.new("CMYK", (9, 9), (255, 0, 0, 0)), "TIFF")) == [0, 255, 255]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_lies_over_white(format: str) -> None:
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    clear, half = (Image.new("RGBA", (9, 9), (200, 100, 0, alpha)) for alpha in (0, 51))
    assert plain(encode(clear, format, **options)) == [255, 255, 255]
    assert plain(encode(half, format, **options)) == [244, 224, 204]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_one_transparent_level_of_a_grey_png_is_white_and_no_other(bits: int) -> None:
    levels = 2**bits
    row = np.packbits((np.arange(8 // bits)[:, None] % levels >> np.arange(bits)[::-1]) & 1).tobytes()
    width = 8 // bits
    for level in range(min(levels, width)):
        head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, 20, bits, 0, 0, 0, 0))
        body = png_chunk(b"tRNS", struct.pack(">H", level)) + png_chunk(b"IDAT", zlib.compress((b"\0" + row) * 20))
        seen = decode(PNG_SIGNATURE + head + body + png_chunk(b"IEND"), ImageSpec(20, width))[0, :, 0]
        expected = np.arange(width) % levels * 255 // (levels - 1)
        expected[np.arange(width) % levels == level] = 255
        assert seen.tolist() == expected.tolist()


def test_grey_alpha_and_transparent_colours_lie_over_white() -> None:
    assert plain(encode(Image.new("LA", (9, 9), (0, 51)), "PNG")) == [204, 204, 204]
    assert plain(encode(Image.new("L", (9, 9), 8), "PNG", transparency=8)) == [255, 255, 255]
    assert plain(encode(Image.new("L", (9, 9), 9), "PNG", transparency=8)) == [9, 9, 9]
    assert plain(encode(Image.new("RGB", (9, 9), (8, 7, 6)), "PNG", transparency=(8, 7, 6))) == [
        255,
        255,
        255,
    ]
    palette = Image.new("P", (9, 9), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert plain(encode(palette, "PNG", transparency=b"\xff\x00")) == [255, 255, 255]
    assert plain(encode(palette, "PNG", transparency=b"\x00\xff")) == [10, 20, 30]


SIXTEEN_BITS = [(0, 0), (128, 0), (129, 1), (257, 1), (32768, 128), (40000, 156), (65406, 254), (65535, 255)]


@pytest.mark.parametrize(("level", "expected"), SIXTEEN_BITS)
def test_sixteen_bit_grey_is_scaled_to_the_nearest_and_never_clipped(level: int, expected: int) -> None:
    samples = np.full((9, 9, 1), level, np.uint16)
    grey = Image.fromarray(samples[..., 0])
    files = [image_bytes.png_of_sixteen_bits(samples), encode(grey, "PNG"), encode(grey, "TIFF")]
    files += [encode(grey, "TIFF", compression="tiff_lzw"), encode(grey, "TIFF", big_endian=True)]
    assert {tuple(plain(data)) for data in files} == {(expected, expected, expected)}


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("level", "expected"), SIXTEEN_BITS)
def test_sixteen_bit_colour_is_scaled_within_a_level(level: int, expected: int, channels: int) -> None:
    samples = np.full((9, 9, channels), 65535, np.uint16)
    samples[..., :3] = level
    assert np.abs(np.subtract(plain(image_bytes.png_of_sixteen_bits(samples)), expected)).max() <= 1


def test_transparent_sixteen_bit_grey_becomes_white() -> None:
    png = image_bytes.png_of_sixteen_bits(np.full((9, 9, 1), 4000, np.uint16))
    assert plain(image_bytes.with_chunk(png, image_bytes.png_chunk(b"tRNS", struct.pack(">H", 4000)))) == [255] * 3
    assert plain(image_bytes.with_chunk(png, image_bytes.png_chunk(b"tRNS", struct.pack(">H", 4001)))) == [16] * 3


def test_negative_samples_are_unsupported() -> None:
    fields = {**image_bytes.GREY_TIFF, 258: 16, 339: 2}
    assert kind_of(image_bytes.tiff(fields, struct.pack("<h", 4000) * 200)) is None
    assert kind_of(image_bytes.tiff(fields, struct.pack("<h", -1) * 200)) is ErrorKind.UNSUPPORTED_FORMAT


def test_half_floats_are_not_read_as_levels() -> None:
    fields = {**image_bytes.GREY_TIFF, 258: 16, 339: 3}
    assert kind_of(image_bytes.tiff(fields, bytes(400))) in (ErrorKind.UNSUPPORTED_FORMAT, ErrorKind.CORRUPT)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_pixels_stay_as_they_are_stored(format: str) -> None:
    image = photograph(40, 30)
    note = {"tiffinfo": {274: 6}} if format == "TIFF" else {"exif": exif(6)}
    data = encode(image, format, **note, **({"lossless": True} if format == "WEBP" else {}))
    header = read_header(data)
    assert header.orientation == 6
    np.testing.assert_array_equal(np.asarray(decode_with_pillow(data, header)), np.asarray(image))


def test_a_file_of_another_size_than_its_header_is_corrupt() -> None:
    data = encode(photograph(40, 30), "PNG")
    with pytest.raises(ImageError, match="the png has another size than its header"):
        decode_with_pillow(data, Header("png", 41, 30, 1))
