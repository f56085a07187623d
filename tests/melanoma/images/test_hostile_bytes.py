"""Damaged and hostile files: each is decoded or refused with its error kind, and no error quotes its content."""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.decoding import decode
from tests.helpers import image_bytes
from tests.helpers.decoded import SPEC, kind_of
from tests.helpers.image_bytes import BROKEN, BROKEN_KINDS, END_OF_IMAGE, encode, exif, photograph


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
def test_a_cut_jpeg_is_truncated_even_with_an_end_marker(options: dict[str, Any]) -> None:
    data = encode(photograph(240, 180), "JPEG", **options)
    for percent in range(10, 100):
        start = data[: len(data) * percent // 100]
        assert kind_of(start) is ErrorKind.TRUNCATED
        assert kind_of(start + END_OF_IMAGE) in (ErrorKind.TRUNCATED, ErrorKind.CORRUPT)


def test_bytes_after_the_end_of_a_jpeg_are_ignored() -> None:
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
    """Repairs the checksums of a damaged PNG, so that the damage reaches the decoder."""
    repaired, start = bytearray(png), 8
    while start + 12 <= len(png):
        end = start + 12 + int.from_bytes(png[start : start + 4])
        if end > len(png):
            break
        repaired[end - 4 : end] = zlib.crc32(png[start + 4 : end - 4]).to_bytes(4)
        start = end
    return bytes(repaired)


@pytest.mark.parametrize(("format", "options"), [
    ("JPEG", {}), ("JPEG", {"progressive": True, "exif": exif(6)}), ("PNG", {}), ("WEBP", {}),
    ("WEBP", {"lossless": True, "exif": exif(3)}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", {"compression": "packbits", "big_endian": True}),
])  # fmt: skip
def test_any_bytes_are_decoded_or_raise_an_image_error(format: str, options: dict[str, Any]) -> None:
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
