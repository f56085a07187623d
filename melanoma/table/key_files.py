"""The files with the secret keys of a score table: each holds one key of 32 bytes as hex digits, and stays in place."""

import re
import secrets

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError, UsageError

_KEY_BYTES = 32
_MAX_BYTES = 4096


def create_key(uri: str) -> bool:
    """Creates a key where there is none; returns whether this call did.

    Raises:
        UsageError: The file that is there does not hold a key.
        NothingCommittedError: The key cannot be written.
        ReadError: The key cannot be read.
    """
    if storage.exists(uri):
        return False
    key = secrets.token_bytes(_KEY_BYTES)
    storage.create_bytes(uri, key.hex().encode())
    return read_key(uri, "remove it") == key


def read_key(uri: str, remedy: str) -> bytes:
    """Reads a key, 32 bytes.

    Args:
        uri: URI of the file.
        remedy: What to do if the file is damaged.

    Raises:
        UsageError: The file does not hold a key.
        ReadError: The store does not return it.
    """
    try:
        text = storage.read_small(uri, _MAX_BYTES).strip()
    except ReadError as error:
        if error.kind not in (ErrorKind.UNSUPPORTED_FORMAT, ErrorKind.TOO_LARGE):
            raise
        text = b""
    if re.fullmatch(rb"[0-9a-f]{%d}" % (2 * _KEY_BYTES), text) is None:
        raise UsageError(f"{uri}: is damaged, expected {2 * _KEY_BYTES} hex digits; {remedy}")
    return bytes.fromhex(text.decode())
