"""The folder for temporary files, and errors that name it."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from melanoma.errors import NothingCommittedError, UsageError

_VARIABLE = "TMPDIR"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_IN_TEXT = tuple(f"errno = {number}," for number in sorted(_FULL))  # HDF5 has no errno of its own


def temporary_root() -> Path:
    """Returns the folder for temporary files: `TMPDIR`, or else the system's.

    Python itself would silently take another folder than the one that the operator chose.

    Raises:
        UsageError: `TMPDIR` cannot be used; or it is not set, and no usual folder can be.
        NothingCommittedError: `TMPDIR` is full.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        with naming_folder(chosen), tempfile.TemporaryFile(dir=chosen) as probe:
            probe.write(b"probe")
            probe.flush()
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise UsageError(
            f"no folder for temporary files can be written; set {_VARIABLE} to a folder that can be"
        ) from None


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Creates a folder that only this user can read, and removes it after the block.

    Raises:
        UsageError: No temporary folder can be used.
        NothingCommittedError: The temporary folder is full; a full disk in the block is taken for that, so the block
            writes nowhere else.
    """
    root = temporary_root()
    with naming_folder(str(root)):
        folder = tempfile.TemporaryDirectory(prefix="melanoma-", ignore_cleanup_errors=True)
    with folder as path:
        try:
            yield Path(path)
        except (OSError, RuntimeError) as error:
            if _is_full(error):
                raise _full(str(root)) from None
            raise


@contextlib.contextmanager
def naming_folder(folder: str) -> Iterator[None]:
    """Turns an error of the operating system into one that names the temporary folder.

    Raises:
        UsageError: The folder cannot be used.
        NothingCommittedError: It is full.
    """
    try:
        yield
    except OSError as error:
        if _is_full(error):
            raise _full(folder) from None
        raise UsageError(
            f"the temporary folder {folder} cannot be used ({error.strerror}); set {_VARIABLE} to a folder that exists "
            "and can be written, or fix this one"
        ) from None


def _full(folder: str) -> NothingCommittedError:
    return NothingCommittedError(
        f"the temporary folder {folder} is full; free up some space there, or set {_VARIABLE} to another folder, and "
        "start again"
    )


def _is_full(error: Exception) -> bool:
    return getattr(error, "errno", None) in _FULL or any(part in str(error) for part in _FULL_IN_TEXT)
