"""The header of a PNG: chunks, checksums, and the chunks that never reach a decoder."""

import struct

import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images.limits import MAX_PARTS, Header
from melanoma.images.png_header import only_pixel_chunks, png_chunks, read_png
from tests.helpers.image_bytes import PNG_SIGNATURE, encode, exif, photograph, png_chunk, png_header, with_chunk

PNG = encode(photograph(40, 30), "PNG")


def kinds(data: bytes) -> list[bytes]:
    return [kind for kind, _, _ in png_chunks(data)]


def test_chunks_are_walked_in_order_and_end_with_iend() -> None:
    data = png_header(5, 4) + png_chunk(b"tEXt", b"Author\0DOE") + png_chunk(b"IDAT", b"x" * 9) + png_chunk(b"IEND")
    chunks = list(png_chunks(data + b"behind the end"))
    assert [kind for kind, _, _ in chunks] == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert b"".join(data[start:end] for _, start, end in chunks) == data[8:]


@pytest.mark.parametrize("cut", [1, 4, 11, 12, 13])
def test_a_file_that_ends_before_its_last_chunk_is_truncated(cut: int) -> None:
    with pytest.raises(ImageError) as caught:
        kinds(PNG[:-cut])
    assert caught.value.kind is ErrorKind.TRUNCATED


def test_more_chunks_than_any_photograph_has_are_refused() -> None:
    part = png_chunk(b"abCd")
    assert len(kinds(PNG_SIGNATURE + part * (MAX_PARTS - 1) + png_chunk(b"IEND"))) == MAX_PARTS
    with pytest.raises(ImageError, match="more than 65536 chunks"):
        kinds(PNG_SIGNATURE + part * MAX_PARTS + png_chunk(b"IEND"))


def test_only_chunks_of_pixels_are_kept() -> None:
    loaded = with_chunk(with_chunk(PNG, png_chunk(b"tEXt", b"Author\0DOE")), png_chunk(b"iCCP", b"P3\0\0x"))
    assert b"DOE" in loaded
    assert only_pixel_chunks(loaded) == only_pixel_chunks(PNG)
    assert set(kinds(only_pixel_chunks(loaded))) == {b"IHDR", b"IDAT", b"IEND"}


def test_size_and_orientation_are_read() -> None:
    assert read_png(PNG) == Header("png", 40, 30, 1)
    block = exif(6).removeprefix(b"Exif\0\0")
    assert read_png(with_chunk(PNG, png_chunk(b"eXIf", block))) == Header("png", 40, 30, 6)


@pytest.mark.parametrize("place", [20, 45, -20])
def test_a_wrong_checksum_in_any_chunk_is_corrupt(place: int) -> None:
    damaged = bytearray(PNG)
    damaged[place] ^= 4
    with pytest.raises(ImageError) as caught:
        read_png(bytes(damaged))
    assert caught.value.kind in (ErrorKind.CORRUPT, ErrorKind.TOO_MANY_PIXELS, ErrorKind.BAD_DIMENSIONS)


@pytest.mark.parametrize("chunk", [
    png_chunk(b"acTL", struct.pack(">II", 2, 0)), png_chunk(b"acTL", struct.pack(">II", 0, 0)), png_chunk(b"acTL"),
    png_chunk(b"acTL", struct.pack(">II", 1, 0)) + png_chunk(b"fdAT", bytes(9)),
])  # fmt: skip
def test_an_animated_png_is_refused_by_its_control_chunk(chunk: bytes) -> None:
    with pytest.raises(ImageError, match="animated PNG"):
        read_png(with_chunk(PNG, chunk))


def test_an_animation_of_one_picture_is_a_photograph() -> None:
    control = png_chunk(b"acTL", struct.pack(">II", 1, 0)) + png_chunk(b"fcTL", bytes(26))
    assert read_png(with_chunk(PNG, control)) == read_png(PNG)
    assert only_pixel_chunks(with_chunk(PNG, control)) == only_pixel_chunks(PNG)


def test_a_png_rewritten_for_iphones_is_named() -> None:
    with pytest.raises(ImageError, match="iPhones") as caught:
        read_png(PNG_SIGNATURE + png_chunk(b"CgBI", bytes(4)) + PNG[8:])
    assert caught.value.kind is ErrorKind.UNSUPPORTED_FORMAT


def test_one_transparent_colour_of_sixteen_bits_is_unsupported() -> None:
    deep = PNG_SIGNATURE + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
    with pytest.raises(ImageError) as caught:
        read_png(deep + png_chunk(b"tRNS", bytes(6)) + png_chunk(b"IDAT") + png_chunk(b"IEND"))
    assert caught.value.kind is ErrorKind.UNSUPPORTED_FORMAT
