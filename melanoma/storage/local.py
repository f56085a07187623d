"""Files on a local disk that are whole or not there, and still there after a power cut."""

import contextlib
import os
import uuid
from pathlib import Path


def replace_file(path: str, data: bytes) -> None:
    """Writes a file under a passing name, makes it durable, and only then gives it its own."""
    folder, name = os.path.split(path)
    Path(folder).mkdir(parents=True, exist_ok=True)
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
    sync(folder)


def move_file(source: str, target: str) -> None:
    """Gives a finished file another name on the same file system, replacing what lay there, durably."""
    sync(source)
    os.replace(source, target)
    sync(os.path.dirname(target))


def create_file(path: str, data: bytes) -> None:
    """Writes a file that only its owner may read, unless one is there already: of several writers one succeeds.

    Raises:
        FileExistsError: One is there.
    """
    folder, name = os.path.split(path)
    Path(folder).mkdir(parents=True, exist_ok=True)
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
    """Makes a file's content, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
