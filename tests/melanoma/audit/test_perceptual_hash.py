"""What looks alike, however it was stored or turned, and what does not."""

import numpy as np
import pytest

from melanoma.audit.perceptual_hash import (
    NEAR_BITS,
    NEAR_BITS_TURNED,
    distance,
    near_pairs,
    perceptual_hash,
    turned_hashes,
)
from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode
from melanoma.samples import phantoms

SPEC = ImageSpec(64, 64)


def stored(seed: int, height: int, width: int, quality: int) -> np.ndarray:
    """A phantom that was reduced from one size, compressed and decoded again."""
    whole = decode(encoding.encode(phantoms.draw(seed, 150, 200), "png"), ImageSpec(height, width))
    return decode(encoding.encode(whole, "jpeg", quality), SPEC)


def differing(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.bitwise_count(first ^ second).sum())


def test_another_size_shape_and_compression_look_the_same() -> None:
    one, other = perceptual_hash(stored(1, 120, 160, 95)), perceptual_hash(stored(1, 100, 100, 60))
    assert 0 < differing(one, other) <= NEAR_BITS


def test_other_photographs_look_different() -> None:
    hashes = [perceptual_hash(stored(seed, 100, 100, 90)) for seed in range(12)]
    assert near_pairs(hashes) == []


def test_a_picture_of_one_colour_is_near_nothing() -> None:
    black, white = (perceptual_hash(np.full((64, 64, 3), value, np.uint8)) for value in (0, 255))
    assert not black.any()
    assert near_pairs([black, white, perceptual_hash(stored(1, 100, 100, 90))]) == []
    assert distance(np.stack([black, white]), 0, 1) is None


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_copy_is_near_with_turns_only(turns: int, mirrored: bool) -> None:
    pixels = stored(3, 100, 100, 90)
    turned = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)
    copy = decode(encoding.encode(np.ascontiguousarray(turned), "jpeg", 80), SPEC)
    hashes = np.stack([turned_hashes(pixels), turned_hashes(copy)])
    pair = near_pairs(hashes)[0]
    assert pair.distance <= NEAR_BITS_TURNED
    assert pair.distance == distance(hashes, 0, 1)
    assert bool(near_pairs(hashes[:, 0])) is (turns == 0 and not mirrored)


def test_the_first_turn_is_the_photograph_as_it_is() -> None:
    pixels = stored(3, 100, 100, 90)
    assert np.array_equal(turned_hashes(pixels)[0], perceptual_hash(pixels))


def test_pairs_are_those_of_comparing_each_with_each_nearest_first() -> None:
    dice = np.random.default_rng(0)
    hashes = dice.integers(1, 2**63, (40, 4), dtype=np.uint64)
    hashes[20:] = hashes[:20] ^ (np.uint64(1) << dice.integers(0, 60, (20, 4), dtype=np.uint64))
    pairs = near_pairs(hashes, 4)
    expected = {
        (i, j, differing(hashes[i], hashes[j]))
        for i in range(40)
        for j in range(i + 1, 40)
        if differing(hashes[i], hashes[j]) <= 4
    }
    assert {tuple(pair) for pair in pairs} == expected
    assert len(pairs) >= 20
    assert [pair.distance for pair in pairs] == sorted(pair.distance for pair in pairs)


def test_a_turned_look_counts_only_when_it_is_nearer_than_an_upright_one_has_to_be() -> None:
    hashes = np.random.default_rng(1).integers(1, 2**63, (2, 8, 4), dtype=np.uint64)
    hashes[0, 5] = hashes[1, 0] ^ np.uint64(0x3F)  # 24 bits of four words
    assert [pair.distance for pair in near_pairs(hashes)] == [24]
    hashes[0, 5, 0] ^= np.uint64(0x40)
    assert near_pairs(hashes) == []


def test_nothing_has_no_pairs() -> None:
    assert near_pairs(np.zeros((0, 4), np.uint64)) == []
