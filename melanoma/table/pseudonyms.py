"""Pseudonyms of photographs: keyed hashes, for everything that leaves the score table."""

import hashlib
import hmac

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.table.key_files import create_key, read_key
from melanoma.table.layout import OutputLayout

_SHORT, _LONG = 12, 32  # hex digits
_REMEDY = (
    "restore the file from a backup, as forgotten photographs and the pseudonyms of reports cannot be recognised "
    "without it"
)


class Pseudonyms:
    """Pseudonyms under one secret key, which is stored beside the score table and never leaves that folder."""

    def __init__(self, key: bytes) -> None:
        """Takes the key, 32 bytes."""
        self._key = key

    @classmethod
    def of_table(cls, layout: OutputLayout) -> "Pseudonyms":
        """Reads the key of a score table, or creates it where there is none.

        Raises:
            UsageError: The key is damaged.
            NothingCommittedError: The key cannot be written.
            ReadError: The key cannot be read.
        """
        create_key(layout.key)
        return cls(_read_key(layout))

    @classmethod
    def known_to(cls, layout: OutputLayout) -> "Pseudonyms | None":
        """Reads the key of a score table; returns None where there is none, so that no pseudonym can exist.

        Raises:
            UsageError: The key is damaged, or only its owner may read it.
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
        """Returns the hash under which a forgotten photograph is remembered: 32 hex digits."""
        return hmac.new(self._key, uri.encode(), hashlib.sha256).hexdigest()[:_LONG]

    def pseudonym(self, uri: str) -> str:
        """Returns the name of a photograph in reports: 12 hex digits, the beginning of `full`."""
        return self.full(uri)[:_SHORT]


def _read_key(layout: OutputLayout) -> bytes:
    return read_key(layout.key, _REMEDY)
