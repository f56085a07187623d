"""What a run takes over from killed runs: 49 bytes a photograph, since an archive may have been staged nearly whole."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from melanoma.ingest.image_refs import DIGEST_BYTES
from melanoma.runs.digests import PackedDigests, are_in, first_of_each, places_in


class Adoption:
    """The staged photographs that one attempt to commit waits for, each of which it takes once.

    A key begins with the digest of its photograph, see `image_refs.adoption_key`.
    """

    def __init__(self, keys: PackedDigests) -> None:
        """Waits for all of them.

        Args:
            keys: Adoption keys; of several with one photograph, one counts.
        """
        wanted = keys.sorted()
        digests = np.ascontiguousarray(wanted.view(f"S{DIGEST_BYTES}")[::2])
        is_first = first_of_each(digests)
        self._keys, self._digests = wanted[is_first], digests[is_first]
        self._is_waiting = np.ones(len(self._digests), bool)

    def __len__(self) -> int:
        """Returns the number of photographs, taken or not."""
        return len(self._digests)

    @property
    def waiting(self) -> int:
        """Number of photographs that are waited for."""
        return int(self._is_waiting.sum())

    def wait_again(self) -> None:
        """Waits for all of them again, for another attempt to commit."""
        self._is_waiting[:] = True

    def has(self, digests: Sequence[bytes]) -> npt.NDArray[np.bool_]:
        """Tells which digests are those of its photographs, waited for or not."""
        return are_in(self._digests, digests)

    def settle(self, digests: Sequence[bytes]) -> int:
        """Waits no longer for photographs; returns for how many of them it did."""
        places = places_in(self._digests, digests)
        places = np.unique(places[places >= 0])
        settled = int(self._is_waiting[places].sum())
        self._is_waiting[places] = False
        return settled

    def take(self, keys: Sequence[bytes]) -> npt.NDArray[np.bool_]:
        """Tells which of several staged rows are waited for, each photograph once, and waits no longer for them."""
        places = places_in(self._keys, keys)
        _, first = np.unique(places, return_index=True)
        taken = np.zeros(len(keys), bool)
        taken[first] = True
        taken &= places >= 0
        taken[taken] = self._is_waiting[places[taken]]
        self._is_waiting[places[taken]] = False
        return taken
