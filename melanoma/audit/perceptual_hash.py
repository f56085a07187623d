"""The one door to imagehash: which photographs look alike, whatever their size, format or compression."""

from collections.abc import Sequence
from typing import NamedTuple

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

HASH_BITS = 256
# Measured on HAM10000 and the nine ISIC classes (docs/models/audit.md has the table): the same photograph resized and
# recompressed differs by at most 20 bits; up to 32 every pair but one shows one lesion twice, and that one bears two
# lesions' names only; from 36 on lesions that merely look alike set in.
NEAR = 32
# Seven turns are seven more chances to look alike: two lesions set in at 28 bits.
NEAR_TURNED = 24

Hashes = npt.NDArray[np.uint64]


class Pair(NamedTuple):
    """Two photographs that look alike.

    Attributes:
        first: Index of one.
        second: Index of the other, larger than `first`.
        distance: Bits of their hashes that differ, 0 to 256.
    """

    first: int
    second: int
    distance: int


def perceptual_hash(pixels: npt.NDArray[np.uint8]) -> Hashes:
    """Hashes what a photograph looks like: the signs of its coarse cosine coefficients, brightness about its median.

    Args:
        pixels: Array of shape (height, width, 3), 0 to 255.

    Returns:
        uint64 (4,), 256 bits; zero where all pixels are alike, which looks like nothing.
    """
    if pixels.min() == pixels.max():
        return np.zeros(HASH_BITS // 64, np.uint64)
    bits = imagehash.phash(Image.fromarray(pixels), hash_size=16).hash
    return np.packbits(bits.ravel()).view(np.uint64)


def turned_hashes(pixels: npt.NDArray[np.uint8]) -> Hashes:
    """Hashes a photograph in the eight ways in which it can be turned by right angles and mirrored.

    Args:
        pixels: Array of shape (side, side, 3), 0 to 255; stretched to a square, so that sides may be swapped.

    Returns:
        uint64 (8, 4); the first is that of the photograph as it is.
    """
    quarters = [np.rot90(pixels, turns) for turns in range(4)]
    return np.stack([perceptual_hash(np.ascontiguousarray(q)) for q in (*quarters, *(q[:, ::-1] for q in quarters))])


def near_pairs(hashes: Sequence[Hashes] | Hashes, most: int = NEAR) -> list[Pair]:
    """Finds all pairs of hashes that differ by few bits, by comparing each with each.

    Ten thousand photographs take a second, with their turns two, and a hundred thousand some minutes.

    Args:
        hashes: uint64 (photographs, 4), or with turns (photographs, 8, 4); a hash of zero is near nothing.
        most: Bits by which a pair may differ, 0 to 256; one that is near only turned, at most NEAR_TURNED.

    Returns:
        The pairs, nearest first.
    """
    table = with_turns(np.asarray(hashes, np.uint64))
    known = (table[:, 0] != 0).any(axis=1)
    upright = np.ascontiguousarray(table[:, 0].T)
    pairs = []
    for first in np.flatnonzero(known).tolist():
        distances = _distances(table[first], upright[:, first + 1 :])
        near = np.flatnonzero((distances <= most) & known[first + 1 :])
        pairs += [Pair(first, first + 1 + int(other), int(distances[other])) for other in near]
    return sorted(pairs, key=lambda pair: pair.distance)


def distance(hashes: Hashes, first: int, second: int) -> int | None:
    """Counts the bits by which two photographs differ, as `near_pairs` does; None where one looks like nothing."""
    table = with_turns(hashes)
    if not (table[first, 0].any() and table[second, 0].any()):
        return None
    return int(_distances(table[first], table[second, 0][:, None])[0])


def with_turns(hashes: Hashes) -> Hashes:
    """Gives hashes as uint64 (photographs, 1 or 8, 4), whether they have turns or not."""
    return hashes if hashes.ndim == 3 else hashes.reshape(-1, 1, HASH_BITS // 64)


def _distances(turns: Hashes, others: Hashes) -> npt.NDArray[np.uint16]:
    """Counts the bits by which one photograph, as it is or nearer turned, differs from others.

    Args:
        turns: uint64 (1 or 8, 4), of the one, as it is first.
        others: uint64 (4, photographs): whole columns of words are ten times faster than rows.

    Returns:
        uint16 (photographs,), 0 to 256.
    """
    least: npt.NDArray[np.uint16] = np.bitwise_count(others ^ turns[0][:, None]).sum(axis=0, dtype=np.uint16)
    for turned in turns[1:]:
        bits = np.bitwise_count(others ^ turned[:, None]).sum(axis=0, dtype=np.uint16)
        least = np.where(bits <= NEAR_TURNED, np.minimum(least, bits), least)
    return least
