"""Bytes that wait for later in one temporary file: in memory while they are few, on the local disk beyond that."""

import tempfile
import threading
from typing import NamedTuple

from melanoma.storage.temporary import naming_folder, temporary_root

_IN_MEMORY = 16 << 20  # bytes


class Kept(NamedTuple):
    """Where in a spool something lies.

    Attributes:
        start: Offset of its first byte.
        length: Number of its bytes.
    """

    start: int
    length: int


class Spool:
    """A file without a name, which ends with its process whatever happens; several threads may use it."""

    def __init__(self) -> None:
        """Opens an empty spool; nothing is on the disk yet.

        Raises:
            UsageError: No folder for temporary files can be used.
            NothingCommittedError: That folder is full.
        """
        self._root = str(temporary_root())
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=self._root)  # noqa: SIM115 - open as long as this
        self._end, self._lock = 0, threading.Lock()

    def keep(self, data: bytes) -> Kept:
        """Adds bytes; returns where they are.

        Raises:
            UsageError: The folder for temporary files can no longer be used.
            NothingCommittedError: It is full.
        """
        with self._lock, naming_folder(self._root):
            self._file.seek(self._end)
            self._file.write(data)
            kept = Kept(self._end, len(data))
            self._end += len(data)
            return kept

    def read(self, kept: Kept) -> bytes:
        """Returns bytes that were kept.

        Raises:
            UsageError: The folder for temporary files can no longer be used.
            NothingCommittedError: It is full.
        """
        with self._lock, naming_folder(self._root):
            self._file.seek(kept.start)
            return self._file.read(kept.length)
