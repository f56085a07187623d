"""Perceptual hashes: which photographs look alike, whatever their size, format or compression.

The only module that imports imagehash.
"""

from collections.abc import Sequence
from typing import NamedTuple

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

HASH_BITS = 256
# Measured on HAM10000 and the nine ISIC classes; docs/models/audit.md has the table. The same photograph, resized and
# recompressed, differs by at most 20 bits. Up to 32 bits, every pair shows one lesion twice, though the data names one
# of these pairs as two lesions. From 36 bits on, different lesions that merely look alike begin to appear.
NEAR_BITS = 32
# Seven turned copies are seven more chances to look alike: pairs of different lesions begin at 28 bits.
NEAR_BITS_TURNED = 24

Hashes = npt.NDArray[np.uint64]


class Pair(NamedTuple):
    """Two photographs that look alike.

    Attributes:
        first: Index of one photograph.
        second: Index of the other, larger than `first` in what `near_pairs` returns.
        distance: Number of differing bits between their hashes, 0 to 256.
    """

    first: int
    second: int
    distance: int


def perceptual_hash(pixels: npt.NDArray[np.uint8]) -> Hashes:
    """Returns the perceptual hash (pHash) of a photograph: which of its coarse cosine coefficients exceed their median.

    Args:
        pixels: Array of shape (height, width, 3), 0 to 255.

    Returns:
        uint64 array (4,), 256 bits; zero if all pixels are equal: such an image is near no other.
    """
    if pixels.min() == pixels.max():
        return np.zeros(HASH_BITS // 64, np.uint64)
    bits = imagehash.phash(Image.fromarray(pixels), hash_size=16).hash
    return np.packbits(bits.ravel()).view(np.uint64)


def turned_hashes(pixels: npt.NDArray[np.uint8]) -> Hashes:
    """Returns the hashes of a photograph in all eight orientations: turned by right angles and mirrored.

    Args:
        pixels: Array of shape (side, side, 3), 0 to 255; stretched to a square, so that sides may be swapped.

    Returns:
        uint64 array (8, 4); the first is the hash of the photograph as it is.
    """
    quarters = [np.rot90(pixels, turns) for turns in range(4)]
    return np.stack([perceptual_hash(np.ascontiguousarray(q)) for q in (*quarters, *(q[:, ::-1] for q in quarters))])


def near_pairs(hashes: Sequence[Hashes] | Hashes, max_bits: int = NEAR_BITS) -> list[Pair]:
    """Finds all pairs of photographs whose hashes differ by few bits, by comparing every two.

    Ten thousand photographs take a second, two seconds with turned copies, and a hundred thousand some minutes.

    Args:
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies; a hash of zero is
            near no other.
        max_bits: Largest number of differing bits, 0 to 256; with one photograph turned, NEAR_BITS_TURNED if that is
            less.

    Returns:
        The pairs, nearest first.
    """
    table = with_turns(np.asarray(hashes, np.uint64))
    known = (table[:, 0] != 0).any(axis=1)
    upright = np.ascontiguousarray(table[:, 0].T)
    pairs = []
    for first in np.flatnonzero(known).tolist():
        distances = _distances(table[first], upright[:, first + 1 :])
        near = np.flatnonzero((distances <= max_bits) & known[first + 1 :])
        pairs += [Pair(first, first + 1 + int(other), int(distances[other])) for other in near]
    return sorted(pairs, key=lambda pair: pair.distance)


def near_others(hashes: Hashes, others: Hashes, max_bits: int = NEAR_BITS) -> npt.NDArray[np.bool_]:
    """Returns which photographs look like one of other photographs.

    Args:
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies; a hash of zero is
            near no other.
        others: uint64 array (others, 4), upright.
        max_bits: As in `near_pairs`.

    Returns:
        bool (photographs,).
    """
    known = np.ascontiguousarray(others[(others != 0).any(axis=1)].T)
    if not known.size:
        return np.zeros(len(hashes), np.bool_)
    return np.array([bool(t[0].any() and (_distances(t, known) <= max_bits).any()) for t in with_turns(hashes)], bool)


def distance(hashes: Hashes, first: int, second: int) -> int | None:
    """Returns the number of bits by which two photographs differ, as in `near_pairs`; None if one has no hash."""
    table = with_turns(hashes)
    if not (table[first, 0].any() and table[second, 0].any()):
        return None
    return int(_distances(table[first], table[second, 0][:, None])[0])


def with_turns(hashes: Hashes) -> Hashes:
    """Returns hashes as a uint64 array (photographs, 1 or 8, 4), whether or not they include turned copies."""
    return hashes if hashes.ndim == 3 else hashes.reshape(-1, 1, HASH_BITS // 64)


def _distances(turns: Hashes, others: Hashes) -> npt.NDArray[np.uint16]:
    """Returns the number of bits by which one photograph, turned where that is nearer, differs from others.

    Args:
        turns: uint64 array (1 or 8, 4), the hashes of the one photograph, as it is first.
        others: uint64 array (4, photographs): whole columns of words are ten times faster than rows.

    Returns:
        uint16 array (photographs,), 0 to 256.
    """
    least: npt.NDArray[np.uint16] = np.bitwise_count(others ^ turns[0][:, None]).sum(axis=0, dtype=np.uint16)
    for turned in turns[1:]:
        bits = np.bitwise_count(others ^ turned[:, None]).sum(axis=0, dtype=np.uint16)
        least = np.where(bits <= NEAR_BITS_TURNED, np.minimum(least, bits), least)
    return least
