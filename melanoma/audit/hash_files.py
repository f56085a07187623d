"""Reads, decodes and hashes many photographs at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from melanoma import storage
from melanoma.audit.perceptual_hash import HASH_BITS, Hashes, perceptual_hash, turned_hashes
from melanoma.datasets.photographs import Photograph
from melanoma.errors import ImageError, ReadError
from melanoma.images.decoding import ImageSpec, decode

# The hash is computed from 64x64 pixels: decoding to this size avoids a second resampling.
_HASHED_SIZE = ImageSpec(64, 64)
_THREADS = 8


class HashedFiles(NamedTuple):
    """Perceptual hashes of photographs.

    Attributes:
        hashes: uint64 array (photographs, 4), or (photographs, 8, 4) with turned and mirrored copies; zero for
            unreadable files, which are then near no other.
        unreadable: Kind of error by index, for files that cannot be read or decoded.
    """

    hashes: Hashes
    unreadable: dict[int, str]


def hash_photographs(
    photographs: Sequence[Photograph], on_each: Callable[[], object] | None = None, *, turned: bool = False
) -> HashedFiles:
    """Reads, decodes and hashes photographs.

    Args:
        photographs: Photographs whose files are hashed.
        on_each: Called after each photograph, for example a progress bar's `update`.
        turned: Whether to hash turned and mirrored copies too, which makes the hashing eight times slower.
    """
    shape = (8, HASH_BITS // 64) if turned else (HASH_BITS // 64,)
    hashes = np.zeros((len(photographs), *shape), np.uint64)
    unreadable: dict[int, str] = {}
    hash_of = turned_hashes if turned else perceptual_hash
    with ThreadPoolExecutor(_THREADS) as pool:
        for index, result in enumerate(pool.map(lambda photograph: _hash(hash_of, photograph), photographs)):
            if isinstance(result, str):
                unreadable[index] = result
            else:
                hashes[index] = result
            if on_each is not None:
                on_each()
    return HashedFiles(hashes, unreadable)


def _hash(hash_of: Callable[..., Hashes], photograph: Photograph) -> Hashes | str:
    """Returns the hash of one photograph, or the kind of error if its file cannot be read or decoded."""
    try:
        return hash_of(decode(storage.read_bytes(photograph.uri), _HASHED_SIZE))
    except (ImageError, ReadError) as error:
        return str(error.kind)
