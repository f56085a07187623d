"""The pixels of a photograph: size, scale, orientation and crop."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import PIL
import pytest
import simplejpeg
from PIL import Image

from melanoma.errors import ImageError, UsageError
from melanoma.images.decoding import DECODER, IMAGE_EXTENSIONS, ImageSpec, decode, read_header
from tests.helpers.decoded import SPEC, by_pillow, kind_of
from tests.helpers.image_bytes import encode, exif, photograph, stored_for


def difference(data: bytes, spec: ImageSpec) -> float:
    """Mean absolute difference from the slow reference decoding, in levels of 0 to 255."""
    return float(np.abs(decode(data, spec) - by_pillow(data, spec)).mean())


def test_pixels_are_writable_rgb_of_the_requested_size() -> None:
    pixels = decode(encode(photograph(), "JPEG"), ImageSpec(17, 29))
    assert pixels.shape == (17, 29, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous


def test_pixels_are_the_same_if_the_header_was_read_before() -> None:
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


def test_a_spec_can_be_hashed_and_pickled() -> None:
    spec = ImageSpec(128, 96, 0.9)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert {spec: 1}[ImageSpec(128, 96, 0.9)] == 1


@pytest.mark.parametrize("values", [(0, 5), (5, 0), (5, 20000), (5, 5, 0.0), (5, 5, 1.01), (5, 5, math.nan)])
def test_a_spec_out_of_range_is_refused(values: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        ImageSpec(*values)


def test_the_decoder_version_names_both_libraries() -> None:
    assert simplejpeg.__version__ in DECODER
    assert PIL.__version__ in DECODER


def test_extensions_are_lower_case_suffixes() -> None:
    read = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"}
    assert read | {".gif", ".bmp", ".heic", ".heif", ".hif", ".avif", ".jp2", ".dcm", ".dicom"} == IMAGE_EXTENSIONS


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
def test_a_scaled_jpeg_is_aligned_with_the_full_one(size: tuple[int, int], orientation: int) -> None:
    data = encode(photograph(*size), "JPEG", quality=95, exif=exif(orientation))
    for spec in (ImageSpec(64, 64), ImageSpec(96, 60), ImageSpec(33, 50)):
        assert difference(data, spec) < 2


@pytest.mark.parametrize("options", [
    {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"restart_marker_blocks": 3},
    {"optimize": True},
])  # fmt: skip
def test_every_kind_of_jpeg_is_decoded_correctly(options: dict[str, Any]) -> None:
    assert difference(encode(photograph(240, 180), "JPEG", **options), SPEC) < 3


def test_a_jpeg_at_full_size_equals_pillows_decoding() -> None:
    data = encode(photograph(240, 180), "JPEG")
    assert difference(data, ImageSpec(180, 240)) == 0


def adobe_cmyk(transform: int) -> bytes:
    data = encode(photograph(160, 120).convert("CMYK"), "JPEG", quality=95)
    at = data.index(b"Adobe") + 11
    return data[:at] + bytes([transform]) + data[at + 1 :]


@pytest.mark.parametrize("data", [
    encode(photograph(160, 120).convert("L"), "JPEG"), adobe_cmyk(0), adobe_cmyk(2),
], ids=["grey", "inverted CMYK", "YCCK"])  # fmt: skip
def test_jpegs_in_other_colour_spaces_equal_pillows_conversion(data: bytes) -> None:
    spec = ImageSpec(120, 160)
    assert np.abs(decode(data, spec) - by_pillow(data, spec)).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("spec", [ImageSpec(30, 50), ImageSpec(33, 20, 0.7)])
@pytest.mark.parametrize(("format", "options"), [
    ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
])  # fmt: skip
def test_a_turned_photograph_equals_its_upright_twin(
    format: str, options: dict[str, Any], spec: ImageSpec, orientation: int
) -> None:
    upright = photograph(97, 64)
    note: dict[str, Any] = {"tiffinfo": {274: orientation}} if format == "TIFF" else {"exif": exif(orientation)}
    turned = encode(stored_for(upright, orientation), format, **options, **note)
    assert np.array_equal(decode(turned, spec), decode(encode(upright, format, **options), spec))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_sixteen_bit_tiff_equals_its_upright_twin(orientation: int) -> None:
    upright = Image.fromarray(np.arange(97 * 64, dtype=np.uint16).reshape(64, 97) * 10)
    turned = encode(stored_for(upright, orientation), "TIFF", tiffinfo={274: orientation})
    assert np.array_equal(decode(turned, SPEC), decode(encode(upright, "TIFF"), SPEC))


def test_orientation_in_xmp_is_ignored_in_every_format() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    image = photograph(90, 60)
    for format, note in (("TIFF", {"tiffinfo": {700: xmp}}), ("WEBP", {"xmp": xmp, "lossless": True})):
        assert np.array_equal(decode(encode(image, format, **note), SPEC), decode(encode(image, "PNG"), SPEC))
    assert np.array_equal(decode(encode(image, "JPEG", xmp=xmp), SPEC), decode(encode(image, "JPEG"), SPEC))


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
def test_any_crop_of_any_small_photograph_has_pixels(format: str, crop: float) -> None:
    for size in ((1, 1), (3, 2), (7, 13), (19, 1), (101, 67)):
        assert kind_of(encode(photograph(*size), format), ImageSpec(31, 17, crop)) is None


def test_rounding_never_lets_a_crop_reach_beyond_the_photograph() -> None:
    assert kind_of(encode(photograph(446, 1039), "JPEG"), ImageSpec(443, 215, 1.0)) is None
    assert kind_of(encode(photograph(509, 300), "PNG"), ImageSpec(71, 113, 1.0)) is None
