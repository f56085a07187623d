"""Photographs that must never be scored again, kept as keyed hashes."""

from collections.abc import Iterable

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms


class Forgotten:
    """The photographs that a score table was told to forget."""

    def __init__(self, hashes: Iterable[str], pseudonyms: Pseudonyms) -> None:
        """Takes their full hashes, and what hashes URIs.

        Args:
            hashes: 32 hex digits each.
            pseudonyms: By the key of the same table.
        """
        self._hashes, self._pseudonyms = frozenset(hashes), pseudonyms

    @classmethod
    def read(cls, layout: OutputLayout) -> "Forgotten | None":
        """Reads what a score table has forgotten; None if nothing.

        Raises:
            UsageError: The key is missing, or only its owner may read it.
            ReadError: The store does not return it.
        """
        if not storage.exists(layout.forgotten):
            return None
        pseudonyms = Pseudonyms.known_to(layout)
        if pseudonyms is None:
            raise UsageError(f"{layout.forgotten}: the file `key` beside it is missing; restore it from a backup")
        return cls(_hashes(layout), pseudonyms)

    def __contains__(self, uri: str) -> bool:
        """Tells whether a photograph was forgotten, whatever its version."""
        return self._pseudonyms.full(uri) in self._hashes

    def __len__(self) -> int:
        """Number of photographs."""
        return len(self._hashes)

    @staticmethod
    def add(layout: OutputLayout, uris: Iterable[str]) -> None:
        """Remembers photographs as forgotten, beside those that are already.

        Raises:
            NothingCommittedError: The store or the disk refused.
            ReadError: The store does not return what is remembered already.
        """
        pseudonyms = Pseudonyms.of_table(layout)
        known = _hashes(layout) if storage.exists(layout.forgotten) else []
        hashes = sorted({*known, *map(pseudonyms.full, uris)})
        storage.write_bytes(layout.forgotten, "".join(f"{name}\n" for name in hashes).encode())


def _hashes(layout: OutputLayout) -> list[str]:
    return storage.read_bytes(layout.forgotten).decode().split()
