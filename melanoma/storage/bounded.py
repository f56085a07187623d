"""Reads small files of our own where others may have left anything: never a link, never a huge file."""

from melanoma.errors import ErrorKind, ReadError
from melanoma.storage.file_info import StoredFile
from melanoma.storage.files import read_bytes
from melanoma.storage.listing import stat


def read_small(uri: str, limit: int, listed: StoredFile | None = None) -> bytes:
    """Reads one whole file if it is a regular file of at most a certain size.

    Args:
        uri: Canonical URI.
        limit: Largest size that such a file can have, bytes.
        listed: The file's entry in a listing; None to ask the store for it.

    Raises:
        ReadError: The store did not deliver the file, it is a link, folder, pipe or device (`unsupported_format`), or
            it is larger (`too_large`).
    """
    found = listed or stat(uri)
    if not found.regular:
        raise ReadError(ErrorKind.UNSUPPORTED_FORMAT, "a link, folder, pipe or device, expected a regular file")
    if found.size > limit:
        raise ReadError(ErrorKind.TOO_LARGE, f"a file of {found.size:,} bytes, expected at most {limit:,}")
    return read_bytes(uri)
