"""The whole-number fields of a TIFF structure, in either byte order, from any bytes."""

import struct

import numpy as np
import pytest

from melanoma.errors import ErrorKind, ImageError
from melanoma.images import tiff_tags
from melanoma.images.tiff_tags import exif_orientation, read_directory, valid_orientation
from tests.helpers.image_bytes import exif


def directory(order: str, *entries: tuple[int, int, int, bytes], next_page: int = 0, extra: bytes = b"") -> bytes:
    """Writes a TIFF structure of entries (tag, type, count, four bytes) and what they point at."""
    body = b"".join(struct.pack(f"{order}HHI", tag, code, count) + value for tag, code, count, value in entries)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(entries))
    return head + body + struct.pack(f"{order}I", next_page) + extra


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_one_two_and_four_bytes_are_read_in_place(order: str) -> None:
    block = directory(
        order,
        (tiff_tags.WIDTH, 4, 1, struct.pack(f"{order}I", 70_000)),
        (tiff_tags.HEIGHT, 3, 1, struct.pack(f"{order}HH", 600, 0)),
        (tiff_tags.BITS, 3, 2, struct.pack(f"{order}HH", 8, 16)),
        (tiff_tags.COMPRESSION, 1, 3, bytes([5, 6, 7, 0])),
        next_page=77,
    )
    fields, next_page = read_directory(block)
    assert fields == {256: (70_000,), 257: (600,), 258: (8, 16), 259: (5, 6, 7)}
    assert next_page == 77


@pytest.mark.parametrize("order", ["<", ">"])
def test_longer_values_are_read_from_where_the_field_points(order: str) -> None:
    starts = (100, 200, 300)
    pointer = struct.pack(f"{order}I", 8 + 2 + 12 + 4)
    block = directory(order, (tiff_tags.STRIP_STARTS, 4, 3, pointer), extra=struct.pack(f"{order}3I", *starts))
    assert read_directory(block) == ({tiff_tags.STRIP_STARTS: starts}, 0)


def test_other_fields_are_left_out_whatever_their_type() -> None:
    block = directory("<", (315, 2, 4, b"DOE\0"), (37500, 7, 4, b"\xff" * 4), (256, 3, 1, b"\x09\0\0\0"))
    assert read_directory(block) == ({256: (9,)}, 0)


@pytest.mark.parametrize(
    "entries",
    [
        [(256, 3, 1, b"\x09\0\0\0"), (256, 3, 1, b"\x0a\0\0\0")],
        [(256, 5, 1, bytes(4))],
        [(256, 2, 1, b"9\0\0\0")],
        [(256, 3, 0, bytes(4))],
        [(256, 3, 2**16 + 1, bytes(4))],
    ],
    ids=["twice", "fraction", "text", "no value", "too many values"],
)
def test_an_impossible_field_is_corrupt(entries: list[tuple[int, int, int, bytes]]) -> None:
    with pytest.raises(ImageError) as caught:
        read_directory(directory("<", *entries))
    assert caught.value.kind is ErrorKind.CORRUPT and "TIFF field 256" in caught.value.detail


def test_fields_that_claim_more_bytes_than_the_block_are_corrupt() -> None:
    within = directory("<", (700, 1, 22, b"\x08\0\0\0"))
    assert read_directory(within) == ({}, 0)
    with pytest.raises(ImageError, match="TIFF fields of 27 bytes in 26"):
        read_directory(directory("<", (700, 1, 27, b"\x08\0\0\0")))


@pytest.mark.parametrize("length", range(26))
def test_a_block_that_ends_early_points_beyond_its_end(length: int) -> None:
    block = directory("<", (274, 3, 1, b"\x06\0\0\0"))[:length]
    if length < 22:
        with pytest.raises(struct.error):
            read_directory(block)
    assert exif_orientation(b"Exif\0\0" + block) in (0, 6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_read_with_and_without_the_marker_of_exif(order: str, orientation: int) -> None:
    block = exif(orientation, order)
    assert exif_orientation(block) == exif_orientation(block.removeprefix(b"Exif\0\0")) == orientation


@pytest.mark.parametrize("faulty", [
    (273, 4, 3, struct.pack("<I", 5000)), (315, 2, 70000, struct.pack("<I", 8)), (700, 1, 2**31, bytes(4)),
    (282, 5, 1, struct.pack("<I", 2**32 - 1)), (256, 99, 1, bytes(4)),
], ids=["strips beyond", "text longer than the block", "huge", "fraction beyond", "unknown type"])  # fmt: skip
def test_a_faulty_entry_does_not_lose_the_orientation(faulty: tuple[int, int, int, bytes]) -> None:
    sound = (274, 3, 1, struct.pack("<I", 6))
    for entries in ((sound, faulty), (faulty, sound)):
        assert exif_orientation(b"Exif\0\0" + directory("<", *entries)) == 6


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_out_of_range_means_upright(orientation: int) -> None:
    assert exif_orientation(exif(orientation)) == 0
    assert valid_orientation({274: (orientation,)}) == 1
    assert valid_orientation({}) == 1


def test_any_bytes_have_an_orientation() -> None:
    random, whole = np.random.default_rng(0), exif(6)
    for _ in range(300):
        block = bytearray(whole)
        for place in random.integers(6, len(block), 3):
            block[place] = int(random.integers(256))
        assert 0 <= exif_orientation(bytes(block)) <= 8
