"""Which photographs a run has planned already: 16 bytes each, in sorted arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from melanoma.runs.digests import Digests, are_in, sorted_digests


class SeenDigests:
    """A set of digests that grows by many at a time.

    It is a few sorted arrays of growing size, where two of like size become one (a log-structured merge). So adding N
    digests costs N log N altogether, and each takes its 16 bytes.
    """

    def __init__(self) -> None:
        """Begins with none."""
        self._levels: list[Digests] = []

    def __len__(self) -> int:
        """Returns the number of digests, those that were added twice counted twice."""
        return sum(map(len, self._levels))

    def have(self, digests: Sequence[bytes]) -> npt.NDArray[np.bool_]:
        """Tells which of some digests were added; returns bool (n,)."""
        found = np.zeros(len(digests), bool)
        for level in self._levels:
            found |= are_in(level, digests)
        return found

    def add(self, digests: Sequence[bytes]) -> None:
        """Adds digests of `image_refs.DIGEST_BYTES` bytes each."""
        added = sorted_digests(digests)
        if not len(added):
            return
        while self._levels and len(self._levels[-1]) <= 2 * len(added):
            added = np.sort(np.concatenate([self._levels.pop(), added]))
        self._levels.append(added)
