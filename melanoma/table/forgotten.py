"""Forgotten photographs, which must never be scored again, remembered as keyed hashes."""

from collections.abc import Iterable

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms


class Forgotten:
    """The photographs that were erased from a score table."""

    def __init__(self, hashes: Iterable[str], pseudonyms: Pseudonyms) -> None:
        """Takes the hashes and the key that made them.

        Args:
            hashes: Full hashes of the photographs, 32 hex digits each.
            pseudonyms: Of the same table.
        """
        self._hashes, self._pseudonyms = frozenset(hashes), pseudonyms

    @classmethod
    def read(cls, layout: OutputLayout) -> "Forgotten | None":
        """Reads which photographs a score table has forgotten; returns None if it never forgot any.

        Raises:
            UsageError: The key is missing, or only its owner may read it.
            ReadError: The store does not return the hashes or the key.
        """
        if not storage.exists(layout.forgotten):
            return None
        pseudonyms = Pseudonyms.known_to(layout)
        if pseudonyms is None:
            raise UsageError(f"{layout.forgotten}: the file `key` beside it is missing; restore it from a backup")
        return cls(_hashes(layout), pseudonyms)

    def __contains__(self, uri: str) -> bool:
        """Tells whether a photograph was forgotten; its version does not matter."""
        return self._pseudonyms.full(uri) in self._hashes

    def __len__(self) -> int:
        """Returns the number of photographs."""
        return len(self._hashes)

    @staticmethod
    def add(layout: OutputLayout, uris: Iterable[str]) -> None:
        """Adds photographs to those that a score table has forgotten.

        Raises:
            NothingCommittedError: The store or the disk refused.
            ReadError: The store does not return the earlier hashes.
        """
        pseudonyms = Pseudonyms.of_table(layout)
        known = _hashes(layout) if storage.exists(layout.forgotten) else []
        hashes = sorted({*known, *map(pseudonyms.full, uris)})
        storage.write_bytes(layout.forgotten, "".join(f"{name}\n" for name in hashes).encode())


def _hashes(layout: OutputLayout) -> list[str]:
    return storage.read_bytes(layout.forgotten).decode().split()
