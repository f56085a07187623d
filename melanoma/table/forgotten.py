"""Photographs that must never be scored again, kept as keyed hashes."""

from collections.abc import Iterable

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.table.pseudonyms import PRIVATE, Pseudonyms

_FILE = "forgotten"


class Forgotten:
    """The photographs that a score table has been made to forget."""

    def __init__(self, hashes: Iterable[str], pseudonyms: Pseudonyms) -> None:
        """Takes their full hashes, and what makes hashes of URIs."""
        self._hashes, self._pseudonyms = frozenset(hashes), pseudonyms

    @classmethod
    def of(cls, output: str) -> "Forgotten | None":
        """Reads what a score table has forgotten; None if nothing."""
        uri = _uri(output)
        if not storage.exists(uri):
            return None
        pseudonyms = Pseudonyms.known_to(output)
        if pseudonyms is None:
            raise UsageError(f"{uri}: lies there without the key beside it; put `key` back from a backup")
        return cls(storage.read_bytes(uri).decode().split(), pseudonyms)

    def __contains__(self, uri: str) -> bool:
        """Tells whether a photograph was forgotten, whatever its version."""
        return self._pseudonyms.full(uri) in self._hashes

    def __len__(self) -> int:
        """Number of photographs."""
        return len(self._hashes)

    @staticmethod
    def add(output: str, uris: Iterable[str]) -> None:
        """Keeps photographs as forgotten; those that are already stay so."""
        pseudonyms = Pseudonyms.of_table(output)
        known = storage.read_bytes(_uri(output)).decode().split() if storage.exists(_uri(output)) else []
        hashes = sorted({*known, *map(pseudonyms.full, uris)})
        storage.write_bytes(_uri(output), "".join(f"{name}\n" for name in hashes).encode())


def _uri(output: str) -> str:
    return storage.join(storage.canonical(output), PRIVATE, _FILE)
