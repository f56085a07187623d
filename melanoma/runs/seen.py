"""Which photographs a run has planned already: 16 bytes each, in sorted arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from melanoma.ingest.image_refs import DIGEST_BYTES

_Halves = npt.NDArray[np.uint64]
_FIRST, _SECOND = 0, 1


class SeenDigests:
    """A set of digests that grows by many at a time.

    It is a few sorted arrays of growing size, where two of like size become one (a log-structured merge). So adding N
    digests costs N log N altogether, and each takes its 16 bytes.
    """

    def __init__(self) -> None:
        """Begins with none."""
        self._levels: list[_Halves] = []

    def __len__(self) -> int:
        """Returns the number of digests, those that were added twice counted twice."""
        return sum(map(len, self._levels))

    def have(self, digests: Sequence[bytes]) -> npt.NDArray[np.bool_]:
        """Tells which of some digests were added; returns bool (n,)."""
        wanted, found = _halves(digests), np.zeros(len(digests), bool)
        for level in self._levels:
            places = np.minimum(np.searchsorted(level[:, _FIRST], wanted[:, _FIRST]), len(level) - 1)
            found |= (level[places] == wanted).all(axis=1)
        return found

    def add(self, digests: Sequence[bytes]) -> None:
        """Adds digests of `DIGEST_BYTES` bytes each."""
        added = _halves(digests)
        if not len(added):
            return
        while self._levels and len(self._levels[-1]) <= 2 * len(added):
            added = np.concatenate([self._levels.pop(), added])
        # Of two digests with the same first half, which some 2**32 photographs may bring, only one is recognised.
        self._levels.append(added[np.argsort(added[:, _FIRST], kind="stable")])


def _halves(digests: Sequence[bytes]) -> _Halves:
    """Returns digests as uint64 (n, 2)."""
    return np.frombuffer(b"".join(digests), np.uint64).reshape(len(digests), DIGEST_BYTES // 8)
