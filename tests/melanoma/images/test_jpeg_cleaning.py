"""JPEGs whose header segments are wrong where that says nothing about the picture: same pixels as without them."""

import struct

import numpy as np
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import ImageSpec, decode
from melanoma.images.jpeg_cleaning import only_pixel_segments, without_padding
from tests.helpers.decoded import kind_of
from tests.helpers.flat_jpeg import flat_jpeg
from tests.helpers.image_bytes import PRIVATE, after_start, encode, jpeg_segment, photograph

SPEC = ImageSpec(90, 120)
SEQUENTIAL, PROGRESSIVE = (encode(photograph(), "JPEG", progressive=kind) for kind in (False, True))
JFIF = jpeg_segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


def icc(number: int, count: int) -> bytes:
    return jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + bytes(40))


@pytest.mark.parametrize("jpeg", [SEQUENTIAL, PROGRESSIVE])
@pytest.mark.parametrize("segment", [
    icc(0, 1), icc(2, 1), icc(1, 2), icc(1, 1) + icc(1, 1), icc(1, 3) + icc(3, 3),
    jpeg_segment(0xE2, b"ICC_PROFILE\0"), jpeg_segment(0xE0, b"JFIF\0\7\7\0\0\1\0\1\0\0"), jpeg_segment(0xE0, b"JFIF"),
    jpeg_segment(0xE0, b"JFXX\0\x13" + bytes(9)), jpeg_segment(0xEE, b"Adobe"), jpeg_segment(0xEF, bytes(3)),
    jpeg_segment(0xF0, b"extension"), jpeg_segment(0xFD, b"\xff\xd9"), bytes(7), b"\xff\xff\xff",
    b"stray", jpeg_segment(0xFE, b"\xff\xda\xff\xd9"),
])  # fmt: skip
def test_segments_without_pixels_do_not_refuse_a_photograph(jpeg: bytes, segment: bytes) -> None:
    for damaged in (after_start(jpeg, segment), jpeg.replace(b"\xff\xdb", segment + b"\xff\xdb", 1)):
        assert np.array_equal(decode(damaged, SPEC), decode(jpeg, SPEC))


@pytest.mark.parametrize("parameters", [b"\0\0\0", b"\0\x3f\x10", b"\1\x3f\0", b"\0\5\x21", b"\xff\xff\xff"])
def test_scan_parameters_of_a_sequential_jpeg_are_as_they_must_be(parameters: bytes) -> None:
    damaged = SEQUENTIAL.replace(b"\0\x3f\0", parameters, 1)
    assert damaged != SEQUENTIAL or parameters == b"\0\x3f\0"
    assert np.array_equal(decode(damaged, SPEC), decode(SEQUENTIAL, SPEC))


@pytest.mark.parametrize(("transform", "expected"), [(0, 0), (1, 1), (2, 1), (77, 1)])
def test_an_unknown_colour_transform_of_three_channels_is_the_usual_one(transform: int, expected: int) -> None:
    def adobe(value: int) -> bytes:
        return jpeg_segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([value]))

    without_jfif = SEQUENTIAL.replace(JFIF, b"")
    assert len(without_jfif) == len(SEQUENTIAL) - len(JFIF)
    seen, right = (decode(after_start(without_jfif, adobe(value)), SPEC) for value in (transform, expected))
    assert np.array_equal(seen, right)


def test_colours_of_four_channels_follow_their_adobe_segment() -> None:
    inverted = encode(photograph().convert("CMYK"), "JPEG")
    assert b"Adobe" in inverted
    assert np.array_equal(decode(after_start(inverted, icc(5, 2)), SPEC), decode(inverted, SPEC))


def test_the_decoder_sees_no_text_and_no_profile() -> None:
    private = jpeg_segment(0xE1, PRIVATE.encode()) + jpeg_segment(0xFE, PRIVATE.encode()) + icc(1, 1)
    cleaned = only_pixel_segments(after_start(SEQUENTIAL, private))
    assert cleaned == SEQUENTIAL
    assert PRIVATE.encode() in private


def test_damage_of_a_scan_is_refused_beside_a_wrong_segment() -> None:
    start = SEQUENTIAL.index(b"\xff\xda") + 14
    random, refused = np.random.default_rng(3), 0
    for _ in range(50):
        damaged = bytearray(SEQUENTIAL)
        for place in random.integers(start, len(damaged) - 2, 10):
            damaged[place] ^= 1 << int(random.integers(8))
        alone, beside = bytes(damaged), after_start(bytes(damaged), icc(0, 1))
        assert kind_of(alone) is kind_of(beside)
        refused += kind_of(alone) is not None
    assert refused >= 30


@pytest.mark.parametrize("jpeg", [SEQUENTIAL, PROGRESSIVE])
@pytest.mark.parametrize("count", [1, 2, 7, 5000])
def test_zero_bytes_behind_the_last_scan_are_padding(jpeg: bytes, count: int) -> None:
    padded = jpeg[:-2] + bytes(count) + jpeg[-2:]
    assert np.array_equal(decode(padded, SPEC), decode(jpeg, SPEC))
    assert kind_of(jpeg[:-2] + b"stray" * 20 + jpeg[-2:]) is ErrorKind.CORRUPT


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_zero_bytes_in_place_of_the_rest_of_a_scan_are_damage(share: float) -> None:
    kept = int(share * len(SEQUENTIAL))
    assert kind_of(SEQUENTIAL[:kept] + bytes(len(SEQUENTIAL) - kept - 2) + b"\xff\xd9") is not None


def test_padding_is_told_from_a_stuffed_byte() -> None:
    assert without_padding(SEQUENTIAL[:-2] + b"\xff\0\0\0\xff\xd9") == SEQUENTIAL[:-2] + b"\xff\0\xff\xd9"


def test_a_damaged_header_is_no_matter_of_sampling() -> None:
    damaged = after_start(SEQUENTIAL, jpeg_segment(0x02, b"reserved"))
    with pytest.raises(ImageError) as caught:
        decode(damaged, SPEC)
    assert caught.value.kind is ErrorKind.CORRUPT


LEGAL_SAMPLINGS = [
    ((y, v), (cb, cv), (cr, rv))
    for y in (1, 2, 4) for v in (1, 2) for cb in (1, 2) for cv in (1, 2) for cr in (1, 2) for rv in (1, 2)
    if y * v + cb * cv + cr * rv <= 10 and {y % cb, y % cr, v % cv, v % rv} == {0}
]  # fmt: skip


@pytest.mark.parametrize("factors", LEGAL_SAMPLINGS)
def test_every_chroma_sampling_is_decoded_right_or_named(factors: tuple[tuple[int, int], ...]) -> None:
    data = flat_jpeg(40, 24, (150, 100, 170), factors)
    try:
        pixels = decode(data, ImageSpec(24, 40))
    except ImageError as error:
        assert error.kind is ErrorKind.UNSUPPORTED_FORMAT
        assert ", ".join(f"{h}x{v}" for h, v in factors) in str(error)
    else:
        # JFIF's conversion of (150, 100, 170): R = Y + 1.402 (Cr - 128), and so on.
        assert np.abs(pixels.astype(int) - [209, 130, 100]).max() <= 1


def test_usual_chroma_samplings_are_decoded() -> None:
    for luma in ((1, 1), (2, 1), (1, 2), (2, 2), (4, 1)):
        assert kind_of(flat_jpeg(40, 24, (150, 100, 170), (luma, (1, 1), (1, 1)))) is None


def test_a_frame_of_four_channels_is_kept() -> None:
    data = encode(photograph().convert("CMYK"), "JPEG", quality=95)
    frame = data.index(b"\xff\xc0")
    assert struct.unpack_from(">B", data, frame + 9) == (4,)
    assert only_pixel_segments(data)[-200:] == data[-200:]
