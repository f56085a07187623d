"""The one door to imagehash: which photographs look alike, whatever their size, format or compression."""

from collections.abc import Sequence
from typing import NamedTuple

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

HASH_BITS = 256
# Measured on HAM10000 and the nine ISIC classes: the same photograph resized and recompressed differs by at most 20
# bits; below 32 nearly every other pair shows one lesion twice; from 40 on lesions that merely look alike set in.
NEAR = 32

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
        uint64 (4,), 256 bits.
    """
    bits = imagehash.phash(Image.fromarray(pixels), hash_size=16).hash
    return np.packbits(bits.ravel()).view(np.uint64)


def near_pairs(hashes: Sequence[Hashes] | Hashes, most: int = NEAR) -> list[Pair]:
    """Finds all pairs of hashes that differ by few bits, by comparing each with each.

    Ten thousand photographs take two seconds and a hundred thousand some minutes.

    Args:
        hashes: uint64 (photographs, 4).
        most: Bits by which a pair may differ, 0 to 256.

    Returns:
        The pairs, nearest first.
    """
    table = np.asarray(hashes, np.uint64).reshape(-1, HASH_BITS // 64)
    pairs = []
    for first in range(len(table)):
        distances = np.bitwise_count(table[first + 1 :] ^ table[first]).sum(axis=1)
        near = np.flatnonzero(distances <= most)
        pairs += [Pair(first, first + 1 + int(other), int(distances[other])) for other in near]
    return sorted(pairs, key=lambda pair: pair.distance)
