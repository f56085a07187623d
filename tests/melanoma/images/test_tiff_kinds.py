"""Every kind of TIFF that the header check lets through is decoded to the right pixels."""

import itertools

import numpy as np
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.headers import read_header
from tests.helpers.decoded import refusal
from tests.helpers.tiff_files import ADOBE_DEFLATE, UNCOMPRESSED, TiffKind, directory, tiff_file

HEIGHT, WIDTH = 24, 40
SPEC = ImageSpec(HEIGHT, WIDTH)
CHANNELS = {0: 1, 1: 1, 2: 3, 5: 4}
KINDS = [
    TiffKind(*values)
    for values in itertools.product(
        (1, 2, 4, 8, 12, 16), CHANNELS, "<>", (UNCOMPRESSED, ADOBE_DEFLATE), (1, 2), (False, True), (False, True)
    )
]
KINDS = [
    kind
    for kind in KINDS
    if (kind.predictor == 1 or (kind.compression == ADOBE_DEFLATE and kind.bits in (8, 16)))
    and not (kind.is_planar and CHANNELS[kind.photometric] == 1)
]


def ramps(kind: TiffKind) -> np.ndarray:
    ramp = np.linspace(0, 2**kind.bits - 1, WIDTH).round().astype(np.int64)
    channels = [ramp if at % 2 == 0 else ramp[::-1] for at in range(CHANNELS[kind.photometric])]
    return np.tile(np.stack(channels, axis=-1), (HEIGHT, 1, 1))


def colours(kind: TiffKind, samples: np.ndarray) -> np.ndarray:
    """Returns the RGB values that the samples stand for, after TIFF 6.0."""
    shares = samples / (2**kind.bits - 1)
    if kind.photometric == 2:
        return shares * 255
    if kind.photometric == 5:
        return (1 - shares[..., :3]) * (1 - shares[..., 3:]) * 255
    grey = 1 - shares if kind.photometric == 0 else shares
    return np.repeat(grey, 3, axis=2) * 255


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_every_kind_is_decoded_right_or_refused_as_unsupported(bits: int) -> None:
    decoded = 0
    for kind in (kind for kind in KINDS if kind.bits == bits):
        samples = ramps(kind)
        try:
            pixels = decode(tiff_file(samples, kind), SPEC)
        except ImageError as error:
            assert error.kind is ErrorKind.UNSUPPORTED_FORMAT, kind
            continue
        decoded += 1
        assert np.abs(pixels - colours(kind, samples)).max() <= 2, kind
    assert decoded >= {1: 16, 2: 16, 4: 16, 8: 72, 12: 4, 16: 52}[bits]


def test_signed_and_floating_samples_are_unsupported() -> None:
    samples = ramps(TiffKind())
    for sample_format in (2, 3, 4):
        data = tiff_file(samples, TiffKind(), {339: (sample_format,)})
        assert refusal(data).kind is ErrorKind.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(("fields", "words"), [
    ({339: (3,)}, "floating-point"), ({339: (2,)}, "signed"), ({259: (7,)}, "JPEG compression"), ({262: (6,)}, "YCbCr"),
    ({254: (1,)}, "thumbnail"), ({259: (50000,)}, "Zstandard"), ({262: (8,)}, "Lab"), ({317: (3,)}, "predictor 3"),
])  # fmt: skip
def test_a_kind_that_is_not_read_is_named(fields: dict[int, tuple[int, ...]], words: str) -> None:
    error = refusal(tiff_file(ramps(TiffKind()), TiffKind(), fields))
    assert error.kind is ErrorKind.UNSUPPORTED_FORMAT and words in error.detail


def with_page(page_fields: dict[int, tuple[int, ...]]) -> bytes:
    """A TIFF with a second page, whose directory stands at the end of the file."""
    samples = ramps(TiffKind())
    first = bytearray(tiff_file(samples, TiffKind()))
    start = int.from_bytes(first[4:8], "little")
    entries = int.from_bytes(first[start : start + 2], "little")
    link = start + 2 + 12 * entries
    first += bytes(len(first) % 2)
    first[link : link + 4] = len(first).to_bytes(4, "little")
    small = {256: (10,), 257: (6,), 258: (8,), 259: (1,), 262: (1,), 277: (1,), 273: (8,), 279: (60,), 278: (6,)}
    return bytes(first) + directory(small | page_fields, "<", len(first))


@pytest.mark.parametrize("mark", [{254: (1,)}, {254: (5,)}, {255: (2,)}])
def test_a_smaller_copy_as_a_further_page_does_no_harm(mark: dict[int, tuple[int, ...]]) -> None:
    samples = ramps(TiffKind())
    assert np.array_equal(decode(with_page(mark), SPEC), decode(tiff_file(samples, TiffKind()), SPEC))


@pytest.mark.parametrize("mark", [{}, {254: (0,)}, {254: (2,)}, {255: (3,)}])
def test_another_page_is_refused(mark: dict[int, tuple[int, ...]]) -> None:
    assert refusal(with_page(mark)).kind is ErrorKind.ANIMATED


def test_pages_that_point_at_each_other_end() -> None:
    data = bytearray(with_page({254: (1,)}))
    page = data.rindex((254).to_bytes(2, "little") + b"\3\0") - 2
    data[page + 2 + 12 * 10 : page + 2 + 12 * 10 + 4] = page.to_bytes(4, "little")
    assert refusal(bytes(data)).kind is ErrorKind.CORRUPT


def test_tiles_are_counted_whole() -> None:
    tile = {322: (46336,), 323: (46336,), 324: (8,), 325: (1,)}
    fields = {256: (100,), 257: (100,), 258: (8,), 259: (8,), 262: (1,), 277: (1,)} | tile
    data = b"II*\0\x0a\0\0\0xx" + directory(fields, "<", 10)
    assert refusal(data).kind is ErrorKind.TOO_MANY_PIXELS


def test_the_pixels_of_all_tiles_are_charged() -> None:
    header = read_header(tiff_file(ramps(TiffKind()), TiffKind(is_tiled=True)))
    assert (header.width, header.height, header.decoded_pixels) == (WIDTH, HEIGHT, 48 * 32)
    assert read_header(tiff_file(ramps(TiffKind()), TiffKind())).decoded_pixels == WIDTH * HEIGHT
