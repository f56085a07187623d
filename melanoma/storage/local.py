"""Writes files on a local disk that are complete or absent, and that survive a power cut."""

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path

_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})  # by some network shares and FUSE


def make_private_folder(path: str) -> None:
    """Makes a folder, and those above it that are missing, which only their owner may enter."""
    if not Path(path).is_dir():
        make_private_folder(os.path.dirname(path))
        Path(path).mkdir(0o700, exist_ok=True)


def replace_file(path: str, data: bytes, is_private: bool = False) -> None:
    """Writes a file under a temporary name, makes it durable, and only then renames it.

    Args:
        path: Path of the file.
        data: Its content.
        is_private: Whether only its owner may read it, and enter the folders that are made for it.
    """
    folder, name = os.path.split(path)
    if is_private:
        make_private_folder(folder)
    Path(folder).mkdir(parents=True, exist_ok=True)
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.tmp")
    mode = 0o600 if is_private else 0o666
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
    sync(folder)


def move_file(source: str, target: str) -> None:
    """Renames a finished file on the same file system, durably; replaces a file that lies at the target."""
    sync(source)
    os.replace(source, target)
    sync(os.path.dirname(target))


def create_file(path: str, data: bytes) -> None:
    """Writes a file that only its owner may read; of several writers exactly one succeeds.

    Raises:
        FileExistsError: The file exists already.
    """
    folder, name = os.path.split(path)
    make_private_folder(folder)
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # a rename would replace what another writer has made
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
    sync(folder)


def sync(path: str) -> None:
    """Flushes a file's content to the disk, or the entries of a folder where its file system offers that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        if not (is_folder and error.errno in _NOT_OFFERED):
            raise
    finally:
        os.close(handle)
