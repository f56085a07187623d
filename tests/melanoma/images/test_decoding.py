"""From the bytes of a photograph to pixels: same picture same tensor, damaged picture no tensor."""

import io
import math
import pickle
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import pytest
import simplejpeg
from PIL import Image, ImageOps

from melanoma.errors import ErrorKind, ImageError, UsageError
from melanoma.images.decoding import DECODER, IMAGE_EXTENSIONS, ImageSpec, decode, read_header
from tests.helpers import image_bytes
from tests.helpers.image_bytes import BROKEN, BROKEN_KINDS, END_OF_IMAGE, encode, exif, photograph, stored_for

SPEC = ImageSpec(32, 48)


def kind_of(data: bytes, spec: ImageSpec = SPEC) -> ErrorKind | None:
    """Decodes and gives the kind of the refusal, or None for a picture."""
    try:
        pixels = decode(data, spec)
    except ImageError as error:
        return error.kind
    assert pixels.shape == (spec.height, spec.width, 3)
    assert pixels.dtype == np.uint8
    return None


def by_pillow(data: bytes, spec: ImageSpec) -> npt.NDArray[np.int64]:
    """The slow way without any scaling in the decoder: full size, upright, then one resize."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    return np.asarray(image.resize((spec.width, spec.height), Image.Resampling.BILINEAR)).astype(np.int64)


def difference(data: bytes, spec: ImageSpec) -> float:
    """Mean absolute difference to the slow way, in levels of 255."""
    return float(np.abs(decode(data, spec) - by_pillow(data, spec)).mean())


def plain(data: bytes) -> list[int]:
    """Decodes a picture of one colour and gives that colour."""
    pixels = decode(data, ImageSpec(5, 5))
    assert np.ptp(pixels, axis=(0, 1)).max() == 0
    return [int(level) for level in pixels[0, 0]]


# what comes out


def test_pixels_are_writable_rgb_of_the_asked_size() -> None:
    pixels = decode(encode(photograph(), "JPEG"), ImageSpec(17, 29))
    assert pixels.shape == (17, 29, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous


def test_a_header_read_before_changes_nothing() -> None:
    for data in (encode(photograph(), "JPEG", exif=exif(6)), encode(photograph(), "PNG")):
        assert np.array_equal(decode(data, SPEC, read_header(data)), decode(data, SPEC))


def test_the_header_of_another_file_is_refused() -> None:
    for format in ("JPEG", "PNG", "WEBP", "TIFF"):
        data, other = encode(photograph(300, 200), format), encode(photograph(260, 200), format)
        with pytest.raises(ImageError, match="another size"):
            decode(data, SPEC, read_header(other))


def test_threads_get_the_same_pixels() -> None:
    files = [encode(photograph(seed=seed), format) for seed in range(3) for format in ("JPEG", "PNG", "WEBP", "TIFF")]
    alone = [decode(data, SPEC) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode, files * 10, [SPEC] * 10 * len(files)))
    assert all(np.array_equal(one, alone[index % len(files)]) for index, one in enumerate(together))


def test_a_spec_is_a_key_that_travels() -> None:
    spec = ImageSpec(128, 96, 0.9)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert {spec: 1}[ImageSpec(128, 96, 0.9)] == 1


@pytest.mark.parametrize("values", [(0, 5), (5, 0), (5, 20000), (5, 5, 0.0), (5, 5, 1.01), (5, 5, math.nan)])
def test_a_spec_out_of_range_is_refused(values: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        ImageSpec(*values)


def test_the_decoder_names_what_moves_a_pixel() -> None:
    assert simplejpeg.__version__ in DECODER
    assert PIL.__version__ in DECODER


def test_extensions_are_lower_case_suffixes() -> None:
    read = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"}
    assert read | {".gif", ".bmp", ".heic", ".heif", ".avif", ".jp2"} == IMAGE_EXTENSIONS


# scaling within the JPEG decoder


@pytest.mark.parametrize("eighths", range(1, 9))
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_is_not_below_the_target(eighths: int, orientation: int) -> None:
    data = encode(photograph(640, 480), "JPEG", exif=exif(orientation))
    rows, columns = 480 * eighths // 8, 640 * eighths // 8
    scaled = simplejpeg.decode_jpeg(data, min_height=rows, min_width=columns)
    assert scaled.shape == (rows, columns, 3)
    turned = scaled if orientation == 1 else np.rot90(scaled, -1)
    assert np.array_equal(decode(data, ImageSpec(*turned.shape[:2])), turned)


def test_the_size_before_a_crop_counts_for_the_scale() -> None:
    data = encode(photograph(640, 480), "JPEG")
    scaled = simplejpeg.decode_jpeg(data, min_height=360, min_width=480)
    assert np.array_equal(decode(data, ImageSpec(180, 240, 0.5)), scaled[90:270, 120:360])


@pytest.mark.parametrize("size", [(640, 480), (601, 451), (1023, 767), (131, 257), (7, 5), (1, 1), (1, 20)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_scaled_jpeg_lies_where_the_full_one_does(size: tuple[int, int], orientation: int) -> None:
    data = encode(photograph(*size), "JPEG", quality=95, exif=exif(orientation))
    for spec in (ImageSpec(64, 64), ImageSpec(96, 60), ImageSpec(33, 50)):
        assert difference(data, spec) < 2


@pytest.mark.parametrize("options", [
    {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"restart_marker_blocks": 3},
    {"optimize": True},
])  # fmt: skip
def test_every_way_of_writing_a_jpeg_gives_the_picture(options: dict[str, Any]) -> None:
    assert difference(encode(photograph(240, 180), "JPEG", **options), SPEC) < 3


def test_a_jpeg_at_full_size_is_what_pillow_decodes() -> None:
    data = encode(photograph(240, 180), "JPEG")
    assert difference(data, ImageSpec(180, 240)) == 0


# colours


def adobe_cmyk(transform: int) -> bytes:
    data = encode(photograph(160, 120).convert("CMYK"), "JPEG", quality=95)
    at = data.index(b"Adobe") + 11
    return data[:at] + bytes([transform]) + data[at + 1 :]


@pytest.mark.parametrize("data", [
    encode(photograph(160, 120).convert("L"), "JPEG"), adobe_cmyk(0), adobe_cmyk(2),
], ids=["grey", "inverted CMYK", "YCCK"])  # fmt: skip
def test_jpegs_in_other_colours_are_what_pillow_makes_of_them(data: bytes) -> None:
    spec = ImageSpec(120, 160)
    assert np.abs(decode(data, spec) - by_pillow(data, spec)).max() <= 2


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


# orientation and crop


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("spec", [ImageSpec(30, 50), ImageSpec(33, 20, 0.7)])
@pytest.mark.parametrize(("format", "options"), [
    ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
])  # fmt: skip
def test_a_turned_photograph_and_its_upright_twin_are_one(
    format: str, options: dict[str, Any], spec: ImageSpec, orientation: int
) -> None:
    upright = photograph(97, 64)
    note: dict[str, Any] = {"tiffinfo": {274: orientation}} if format == "TIFF" else {"exif": exif(orientation)}
    turned = encode(stored_for(upright, orientation), format, **options, **note)
    assert np.array_equal(decode(turned, spec), decode(encode(upright, format, **options), spec))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_sixteen_bit_tiff_is_its_upright_twin(orientation: int) -> None:
    upright = Image.fromarray(np.arange(97 * 64, dtype=np.uint16).reshape(64, 97) * 10)
    turned = encode(stored_for(upright, orientation), "TIFF", tiffinfo={274: orientation})
    assert np.array_equal(decode(turned, SPEC), decode(encode(upright, "TIFF"), SPEC))


def test_orientation_in_xmp_is_ignored_in_every_format() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    image = photograph(90, 60)
    for format, note in (("TIFF", {"tiffinfo": {700: xmp}}), ("WEBP", {"xmp": xmp, "lossless": True})):
        assert np.array_equal(decode(encode(image, format, **note), SPEC), decode(encode(image, "PNG"), SPEC))


def bullseye(width: int, height: int, inner_width: int, inner_height: int) -> bytes:
    """A black picture with a white rectangle in its centre, as PNG."""
    image = Image.new("RGB", (width, height), "black")
    left, upper = (width - inner_width) // 2, (height - inner_height) // 2
    image.paste("white", (left, upper, left + inner_width, upper + inner_height))
    return encode(image, "PNG")


def test_without_a_crop_the_whole_photograph_is_seen() -> None:
    assert decode(bullseye(200, 100, 100, 50), ImageSpec(40, 40)).mean() == pytest.approx(255 / 4, abs=1)


@pytest.mark.parametrize(("crop", "inner"), [(1.0, (100, 100)), (0.5, (50, 50))])
def test_a_crop_sees_the_centred_rectangle_and_nothing_else(crop: float, inner: tuple[int, int]) -> None:
    assert decode(bullseye(200, 100, *inner), ImageSpec(25, 25, crop))[1:-1, 1:-1].min() == 255
    smaller = bullseye(200, 100, inner[0] - 16, inner[1] - 16)
    assert decode(smaller, ImageSpec(25, 25, crop))[[0, -1]].max() == 0


def test_a_crop_keeps_the_aspect_ratio_of_the_target() -> None:
    assert decode(bullseye(200, 100, 200, 50), ImageSpec(20, 80, 1.0))[1:-1].min() == 255
    assert decode(bullseye(200, 100, 50, 100), ImageSpec(80, 40, 1.0))[:, 1:-1].min() == 255


@pytest.mark.parametrize("crop", [1.0, 0.999, 1e-9])
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_any_share_and_any_small_photograph_can_be_cropped(format: str, crop: float) -> None:
    for size in ((1, 1), (3, 2), (7, 13), (19, 1), (101, 67)):
        assert kind_of(encode(photograph(*size), format), ImageSpec(31, 17, crop)) is None


def test_rounding_never_lets_a_crop_reach_beyond_the_photograph() -> None:
    assert kind_of(encode(photograph(446, 1039), "JPEG"), ImageSpec(443, 215, 1.0)) is None
    assert kind_of(encode(photograph(509, 300), "PNG"), ImageSpec(71, 113, 1.0)) is None


# damage


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_kind(name: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode(BROKEN[name], SPEC)
    assert caught.value.kind is BROKEN_KINDS[name]


@pytest.mark.parametrize("name", BROKEN)
def test_a_refusal_quotes_nothing_of_the_file(name: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode(BROKEN[name], SPEC)
    assert caught.value.detail
    assert image_bytes.PRIVATE not in str(caught.value)
    assert "0x7f" not in caught.value.detail
    assert "BytesIO" not in caught.value.detail


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_a_cut_jpeg_is_truncated_even_when_it_was_closed(options: dict[str, Any]) -> None:
    data = encode(photograph(240, 180), "JPEG", **options)
    for percent in range(10, 100):
        start = data[: len(data) * percent // 100]
        assert kind_of(start) is ErrorKind.TRUNCATED
        assert kind_of(start + END_OF_IMAGE) in (ErrorKind.TRUNCATED, ErrorKind.CORRUPT)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm() -> None:
    data = encode(photograph(), "JPEG")
    for tail in (bytes(1000), b"PK\3\4" + bytes(range(256)), b"<html></html>", data):
        assert np.array_equal(decode(data + tail, SPEC), decode(data, SPEC))


def flipped(data: bytes, first: int, flips: int, random: np.random.Generator) -> bytes:
    damaged = bytearray(data)
    for place in random.integers(first, len(data) - 2, flips):
        damaged[place] ^= 1 << int(random.integers(8))
    return bytes(damaged)


def test_jpegs_with_many_flipped_bits_are_refused() -> None:
    # A JPEG has no checksum: one flip is mostly a slightly different, valid picture; forty are not.
    data = encode(photograph(600, 450), "JPEG", quality=90)
    random = np.random.default_rng(0)
    first = data.index(b"\xff\xda") + 14
    refused = [kind_of(flipped(data, first, 40, random)) is not None for _ in range(200)]
    assert sum(refused) >= 198


@pytest.mark.parametrize("flips", [1, 3])
def test_pngs_with_a_flipped_bit_are_always_refused(flips: int) -> None:
    data = encode(photograph(), "PNG")
    random = np.random.default_rng(1)
    assert all(kind_of(flipped(data, 8, flips, random)) is not None for _ in range(200))


def test_a_png_whose_pixels_were_cut_before_its_chunks_were_written_is_refused() -> None:
    random = np.random.default_rng(4)
    lines = zlib.compress(b"".join(b"\0" + random.bytes(90) for _ in range(30)))
    whole, half = (image_bytes.png_chunk(b"IDAT", lines[:length]) for length in (len(lines), len(lines) // 2))
    end = image_bytes.png_chunk(b"IEND")
    assert kind_of(image_bytes.png_header(30, 30) + whole + end) is None
    assert kind_of(image_bytes.png_header(30, 30) + half + end) in (ErrorKind.TRUNCATED, ErrorKind.CORRUPT)


def test_text_and_profiles_of_a_png_are_never_unpacked() -> None:
    bomb = zlib.compress(bytes(30_000_000))
    data = encode(photograph(), "PNG")
    text = image_bytes.png_chunk(b"zTXt", b"Comment\0\0" + bomb)
    profile = image_bytes.png_chunk(b"iCCP", b"P3\0\0" + bomb)
    loaded = image_bytes.with_chunk(image_bytes.with_chunk(data, text), profile)
    assert np.array_equal(decode(loaded, SPEC), decode(data, SPEC))


def damaged(data: bytes, random: np.random.Generator, count: int) -> Iterator[bytes]:
    """Cuts and overwrites a file, early bytes more often than late ones."""
    for case in range(count):
        damage = bytearray(data)
        for _ in range(int(random.integers(1, 6))):
            damage[int(len(damage) * random.random() ** (1 + case % 4))] = int(random.integers(256))
        if case % 3 == 0:
            damage = damage[: int(random.integers(1, len(damage)))]
        yield bytes(damage)


def with_right_checksums(png: bytes) -> bytes:
    """Mends the checksums of a damaged PNG, so that the damage reaches the decoder."""
    mended, start = bytearray(png), 8
    while start + 12 <= len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4])
        if end > len(png):
            break
        mended[end - 4 : end] = zlib.crc32(png[start + 4 : end - 4]).to_bytes(4)
        start = end
    return bytes(mended)


@pytest.mark.parametrize(("format", "options"), [
    ("JPEG", {}), ("JPEG", {"progressive": True, "exif": exif(6)}), ("PNG", {}), ("WEBP", {}),
    ("WEBP", {"lossless": True, "exif": exif(3)}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", {"compression": "packbits", "big_endian": True}),
])  # fmt: skip
def test_whatever_the_bytes_are_there_is_a_picture_or_an_image_error(format: str, options: dict[str, Any]) -> None:
    random = np.random.default_rng(2)
    outcomes = set()
    for data in damaged(encode(photograph(60, 40), format, **options), random, 250):
        outcomes.add(kind_of(data))
        if format == "PNG":
            outcomes.add(kind_of(with_right_checksums(data)))
    assert {ErrorKind.TRUNCATED, ErrorKind.CORRUPT} <= outcomes


def test_noise_behind_a_magic_number_is_an_image_error() -> None:
    random = np.random.default_rng(3)
    starts = (
        b"",
        b"\xff\xd8\xff",
        image_bytes.png_header(9, 9),
        b"RIFF\x40\0\0\0WEBPVP8 ",
        b"II*\0\x08\0\0\0",
        b"MM\0*",
    )
    for _ in range(60):
        for start in starts:
            assert kind_of(start + random.bytes(200)) is not None
