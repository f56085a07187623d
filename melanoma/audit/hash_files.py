"""From where photographs lie to their hashes, many at a time."""

from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from melanoma import storage
from melanoma.audit.perceptual_hash import HASH_BITS, Hashes, perceptual_hash, turned_hashes
from melanoma.datasets.reading import Photograph
from melanoma.errors import ImageError, ReadError
from melanoma.images.decoding import ImageSpec, decode

# The hash looks at 64x64 pixels: a photograph that comes in this size is not resampled twice.
_SEEN = ImageSpec(64, 64)
_THREADS = 8


def hash_photographs(
    photographs: Sequence[Photograph],
    on_each: Callable[[], object] | None = None,
    *,
    turned: bool = False,
    refused: MutableMapping[int, str] | None = None,
) -> Hashes:
    """Reads, decodes and hashes photographs; what gives no picture gets a hash of zero, which is near nothing.

    Args:
        photographs: Where their bytes lie.
        on_each: Called after each photograph, such as a progress bar's `update`.
        turned: Whether to hash each photograph turned and mirrored too, at eight times the cost of hashing.
        refused: Takes index and kind of error of what gave no picture, where given.

    Returns:
        uint64 (photographs, 4), or (photographs, 8, 4) where `turned`.
    """
    shape = (8, HASH_BITS // 64) if turned else (HASH_BITS // 64,)
    hashes = np.zeros((len(photographs), *shape), np.uint64)
    hash_of = turned_hashes if turned else perceptual_hash
    with ThreadPoolExecutor(_THREADS) as pool:
        for index, result in enumerate(pool.map(lambda photograph: _try(hash_of, photograph), photographs)):
            if isinstance(result, str):
                if refused is not None:
                    refused[index] = result
            else:
                hashes[index] = result
            if on_each is not None:
                on_each()
    return hashes


def _try(hash_of: Callable[..., Hashes], photograph: Photograph) -> Hashes | str:
    """Hashes one photograph, or gives the kind of error that kept it from being seen."""
    try:
        return hash_of(decode(storage.read_bytes(photograph.uri), _SEEN))
    except (ImageError, ReadError) as error:
        return str(error.kind)
