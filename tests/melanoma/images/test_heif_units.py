"""Damage of a HEIC: what shows is refused, and no bytes raise anything but an error of a photograph."""

import numpy as np
import pytest

pytest.importorskip("pillow_heif", reason="the extra heic is not installed")

from melanoma.errors import ErrorKind
from melanoma.images.headers import read_header
from tests.helpers.decoded import kind_of, refusal
from tests.helpers.heif_bytes import Picture, grid, heic, heif, picture
from tests.helpers.image_bytes import photograph

TILE = picture(photograph(64, 64))


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_zero_bytes_in_place_of_pixels_are_damage(share: float) -> None:
    data = heic(photograph(240, 180), quality=90)
    start = data.index(b"mdat") + 8
    first = start + int(share * (len(data) - start))
    assert refusal(data[:first] + bytes(len(data) - first)).kind is ErrorKind.CORRUPT


@pytest.mark.parametrize("change", [
    lambda content: content[:-20], lambda content: content + b"\0\0\0\1", lambda content: b"", lambda content: b"\0",
    lambda content: content[:4] + b"\x46\1" + content[6:],
])  # fmt: skip
def test_units_that_do_not_make_up_the_picture_are_damage(change: object) -> None:
    assert callable(change) and kind_of(heif([TILE])) is None
    assert refusal(heif([Picture(change(TILE.content), TILE.properties)])).kind is ErrorKind.CORRUPT


def test_one_tile_may_be_shown_twice_and_its_bytes_not_be_read_twice() -> None:
    assert read_header(heif([grid(1, 2, 128, 64), TILE], [(b"dimg", 1, [2, 2])])).decoded_pixels == 2 * 64 * 64
    data = heif([grid(1, 2, 128, 64), TILE, TILE], [(b"dimg", 1, [2, 3])])
    assert read_header(data).width == 128


@pytest.mark.parametrize("tile_size", [0, 64])
def test_any_damage_of_the_boxes_is_a_picture_or_an_error(tile_size: int) -> None:
    data = heic(photograph(), quality=60, tile_size=tile_size)
    random = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(data)
        for place in random.integers(12, data.index(b"mdat"), 2):
            damaged[place] = int(random.integers(256))
        kind_of(bytes(damaged))
