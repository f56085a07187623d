"""Photographs under another name: keyed hashes, for whatever leaves the score table."""

import hashlib
import hmac
import secrets

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.table.layout import OutputLayout

_KEY_BYTES, _SHORT, _LONG = 32, 12, 32


class Pseudonyms:
    """Names of photographs by a random key that lies beside a score table and never leaves it."""

    def __init__(self, key: bytes) -> None:
        """Takes the key, 32 bytes."""
        self._key = key

    @classmethod
    def of_table(cls, layout: OutputLayout) -> "Pseudonyms":
        """Reads the key of a score table, and makes it where there is none.

        Raises:
            NothingCommittedError: It cannot be written.
            ReadError: It cannot be read.
        """
        if not storage.exists(layout.key):
            storage.create_bytes(layout.key, secrets.token_hex(_KEY_BYTES).encode())
        return cls(_read_key(layout))

    @classmethod
    def known_to(cls, layout: OutputLayout) -> "Pseudonyms | None":
        """Reads the key of a score table; None where there is none yet, so that nothing has been named by it.

        Raises:
            UsageError: Only its owner may read it.
            ReadError: The store does not return it.
        """
        try:
            return cls(_read_key(layout)) if storage.exists(layout.key) else None
        except ReadError as error:
            if error.kind is not ErrorKind.FORBIDDEN:
                raise
            found = "only its owner may read it, and without it a hash cannot be matched to a photograph"
            raise UsageError(f"{layout.key}: {found}; ask whoever runs the nightly job") from None

    def full(self, uri: str) -> str:
        """Returns the name under which a photograph is remembered as forgotten: 32 hex digits."""
        return hmac.new(self._key, uri.encode(), hashlib.sha256).hexdigest()[:_LONG]

    def pseudonym(self, uri: str) -> str:
        """Returns the name under which reports show a photograph: 12 hex digits."""
        return self.full(uri)[:_SHORT]


def _read_key(layout: OutputLayout) -> bytes:
    return bytes.fromhex(storage.read_bytes(layout.key).decode())
