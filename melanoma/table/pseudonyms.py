"""Photographs under another name: keyed hashes, for whatever leaves the score table."""

import hashlib
import hmac
import secrets

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError

PRIVATE = "_private"
_KEY_BYTES, _SHORT = 32, 12


class Pseudonyms:
    """Names of photographs by a random key that lies beside a score table and never leaves it."""

    def __init__(self, key: bytes) -> None:
        """Takes the key."""
        self._key = key

    @classmethod
    def of_table(cls, output: str) -> "Pseudonyms":
        """Reads the key of a score table, and makes it where there is none.

        Args:
            output: URI of the score table.

        Raises:
            NothingCommittedError: It cannot be written.
            ReadError: It cannot be read.
        """
        uri = _uri(output)
        if not storage.exists(uri):
            storage.create_bytes(uri, secrets.token_hex(_KEY_BYTES).encode())
        return cls(_key(uri))

    @classmethod
    def known_to(cls, output: str) -> "Pseudonyms | None":
        """Reads the key of a score table; None where there is none yet, for then nothing has been named by it.

        Raises:
            UsageError: Only its owner may read it.
            ReadError: The store does not give it.
        """
        uri = _uri(output)
        try:
            return cls(_key(uri)) if storage.exists(uri) else None
        except ReadError as error:
            if error.kind is not ErrorKind.FORBIDDEN:
                raise
            found = "may be read by its owner alone, and without it nobody can tell what a hash stands for"
            raise UsageError(f"{uri}: {found}; ask whoever runs the nights") from None

    def full(self, uri: str) -> str:
        """Gives the name under which a photograph is kept as forgotten: 32 hex digits."""
        return hmac.new(self._key, uri.encode(), hashlib.sha256).hexdigest()[:32]

    def pseudonym(self, uri: str) -> str:
        """Gives the name under which reports show a photograph: 12 hex digits."""
        return self.full(uri)[:_SHORT]


def _uri(output: str) -> str:
    return storage.join(storage.canonical(output), PRIVATE, "key")


def _key(uri: str) -> bytes:
    return bytes.fromhex(storage.read_bytes(uri).decode())
