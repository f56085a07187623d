"""The seal of a staged file: a keyed hash over its bytes and its place, checked before anything else reads the file.

Whoever can write to the staging folder, but cannot read the table's secret key, cannot make a file whose rows would be
committed, nor use a sealed file again in another place. The key is in the output's private folder, from which every
worker reads it; it is never part of a pipeline.
"""

import hashlib
import hmac

from melanoma import storage
from melanoma.table.key_files import create_key, read_key
from melanoma.table.layout import OutputLayout

_MARK = b"\nmelanoma seal 1 "
_LENGTH = len(_MARK) + 2 * hashlib.sha256().digest_size
_PLACE_PARTS = 3  # fingerprint, run and chunk
_REMEDY = "remove it: what is staged is then scored again"


class Seal:
    """Seals staged files under one key."""

    def __init__(self, key: bytes) -> None:
        """Takes the key, 32 bytes."""
        self._key = key

    @classmethod
    def known_to(cls, layout: OutputLayout) -> "Seal | None":
        """Reads the key of an output; returns None where there is none, as an earlier version leaves it.

        Raises:
            UsageError: The key is damaged.
            ReadError: The key cannot be read.
        """
        return cls(read_key(layout.staging_key, _REMEDY)) if storage.exists(layout.staging_key) else None

    @staticmethod
    def create_key(layout: OutputLayout) -> bool:
        """Creates the key of an output where there is none; returns whether this call did.

        Raises:
            UsageError: The file that is there does not hold a key.
            NothingCommittedError: The key cannot be written.
            ReadError: The key cannot be read.
        """
        return create_key(layout.staging_key)

    def sealed(self, uri: str, content: bytes) -> bytes:
        """Returns the bytes of a staged file: its content, and the seal.

        Args:
            uri: Where the file will be.
            content: An Arrow file.
        """
        return content + _MARK + self._hash(uri, content)

    def opened(self, uri: str, stored: bytes) -> bytes | None:
        """Returns the content of a staged file; None if it is not what was sealed for this place.

        Args:
            uri: Where the file is.
            stored: Its bytes.
        """
        content, seal = stored[:-_LENGTH], stored[-_LENGTH:]
        return content if hmac.compare_digest(seal, _MARK + self._hash(uri, content)) else None

    def _hash(self, uri: str, content: bytes) -> bytes:
        place = "/".join(uri.split("/")[-_PLACE_PARTS:]).encode()
        found = hmac.new(self._key, len(place).to_bytes(8, "big") + place, hashlib.sha256)
        found.update(content)
        return found.hexdigest().encode()
