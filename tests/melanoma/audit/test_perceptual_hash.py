"""Hashes of one photograph are close, however it was stored or turned; those of different photographs are not."""

import numpy as np
import pytest

from melanoma.audit.perceptual_hash import (
    NEAR_BITS,
    NEAR_BITS_TURNED,
    distance,
    near_others,
    near_pairs,
    perceptual_hash,
    turned_hashes,
    with_turns,
)
from melanoma.images import encoding
from melanoma.images.decoding import ImageSpec, decode
from melanoma.samples import phantoms

SPEC = ImageSpec(64, 64)


def stored(seed: int, height: int, width: int, quality: int) -> np.ndarray:
    """Returns a phantom after it was scaled, compressed and decoded again."""
    whole = decode(encoding.encode(phantoms.draw(seed, 150, 200), "png"), ImageSpec(height, width))
    return decode(encoding.encode(whole, "jpeg", quality), SPEC)


def differing(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.bitwise_count(first ^ second).sum())


def test_the_hash_hardly_changes_with_size_shape_and_compression() -> None:
    one, other = perceptual_hash(stored(1, 120, 160, 95)), perceptual_hash(stored(1, 100, 100, 60))
    assert 0 < differing(one, other) <= NEAR_BITS


def test_hashes_of_different_photographs_are_far_apart() -> None:
    hashes = [perceptual_hash(stored(seed, 100, 100, 90)) for seed in range(12)]
    assert near_pairs(hashes) == []


def test_an_image_of_one_colour_is_near_no_other() -> None:
    black, white = (perceptual_hash(np.full((64, 64, 3), value, np.uint8)) for value in (0, 255))
    assert not black.any()
    assert near_pairs([black, white, perceptual_hash(stored(1, 100, 100, 90))]) == []
    assert distance(np.stack([black, white]), 0, 1) is None


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_copy_is_near_only_with_turned_hashes(turns: int, mirrored: bool) -> None:
    pixels = stored(3, 100, 100, 90)
    turned = np.rot90(pixels[:, ::-1] if mirrored else pixels, turns)
    copy = decode(encoding.encode(np.ascontiguousarray(turned), "jpeg", 80), SPEC)
    hashes = np.stack([turned_hashes(pixels), turned_hashes(copy)])
    pair = near_pairs(hashes)[0]
    assert pair.distance <= NEAR_BITS_TURNED
    assert pair.distance == distance(hashes, 0, 1)
    assert bool(near_pairs(hashes[:, 0])) is (turns == 0 and not mirrored)


def test_the_first_of_the_turned_hashes_is_that_of_the_photograph_as_it_is() -> None:
    pixels = stored(3, 100, 100, 90)
    assert np.array_equal(turned_hashes(pixels)[0], perceptual_hash(pixels))


def test_pairs_are_those_of_comparing_every_two_hashes_nearest_first() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(1, 2**63, (40, 4), dtype=np.uint64)
    hashes[20:] = hashes[:20] ^ (np.uint64(1) << rng.integers(0, 60, (20, 4), dtype=np.uint64))
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


def test_a_turned_copy_has_to_be_nearer_than_an_upright_one() -> None:
    hashes = np.random.default_rng(1).integers(1, 2**63, (2, 8, 4), dtype=np.uint64)
    hashes[0, 5] = hashes[1, 0] ^ np.uint64(0x3F)  # 24 bits of four words
    assert [pair.distance for pair in near_pairs(hashes)] == [24]
    hashes[0, 5, 0] ^= np.uint64(0x40)
    assert near_pairs(hashes) == []


def test_no_hashes_have_no_pairs() -> None:
    assert near_pairs(np.zeros((0, 4), np.uint64)) == []


@pytest.mark.parametrize(("bits", "is_near"), [(NEAR_BITS, True), (NEAR_BITS + 1, False)])
def test_upright_photographs_are_near_up_to_the_limit_of_bits(bits: int, is_near: bool) -> None:
    hashes = np.ones((2, 4), np.uint64)
    hashes[1, 0] ^= np.uint64((1 << (bits + 1)) - 2)
    assert [tuple(pair) for pair in near_pairs(hashes)] == ([(0, 1, bits)] if is_near else [])
    assert distance(hashes, 0, 1) == distance(hashes, 1, 0) == bits


def test_all_eight_orientations_of_a_photograph_have_different_hashes() -> None:
    """A turned photograph has the same eight orientations in another order."""
    pixels = stored(3, 100, 100, 90)
    hashes = turned_hashes(pixels)
    assert hashes.shape == (8, 4)
    assert len({bytes(one) for one in hashes}) == 8
    again = turned_hashes(np.ascontiguousarray(np.rot90(pixels)))
    assert {bytes(one) for one in again} == {bytes(one) for one in hashes}


def test_hashes_without_turns_have_one_orientation_each() -> None:
    hashes = np.arange(8, dtype=np.uint64).reshape(2, 4)
    assert with_turns(hashes).shape == (2, 1, 4)
    assert np.array_equal(with_turns(hashes)[:, 0], hashes)
    assert with_turns(np.zeros((2, 8, 4), np.uint64)).shape == (2, 8, 4)


def test_near_others_agrees_with_near_pairs() -> None:
    rng = np.random.default_rng(3)
    pictures = [rng.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(6)]
    turned = np.stack([turned_hashes(picture) for picture in pictures])
    others = np.stack([perceptual_hash(np.rot90(pictures[2])), perceptual_hash(pictures[4]), np.zeros(4, np.uint64)])
    assert near_others(turned, others).tolist() == [False, False, True, False, True, False]
    assert near_others(turned[:, 0], others).tolist() == [False] * 4 + [True, False]
    assert not near_others(np.zeros((1, 4), np.uint64), others).any()
    assert not near_others(turned, np.zeros((0, 4), np.uint64)).any()
