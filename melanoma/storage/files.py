"""Reads, writes and removes whole files in any store."""

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from melanoma.errors import ErrorKind, NothingCommittedError, ReadError
from melanoma.storage.archive_reads import read_member
from melanoma.storage.archives import read_whole, refusal_of
from melanoma.storage.deadlines import one_deadline
from melanoma.storage.errors import MEANING
from melanoma.storage.file_info import UNADDRESSABLE, StoredFile, version_of
from melanoma.storage.filesystems import Place, call_store, locate
from melanoma.storage.listing import stat
from melanoma.storage.local import create_file, move_file, replace_file
from melanoma.storage.object_reads import read_version, reads_versions
from melanoma.storage.pages import info_of
from melanoma.storage.targets import refuse_special_file


def read_bytes(uri: str, expected: StoredFile | None = None) -> bytes:
    """Reads one whole file, in one request where the store allows it.

    Args:
        uri: Canonical URI.
        expected: The file's entry in the listing; a file that differs from it by now is refused.

    Raises:
        ReadError: The store did not deliver the file, or (`changed`) the file is not the one that was listed.
    """
    if expected is not None and expected.version == UNADDRESSABLE:
        raise ReadError(ErrorKind.BAD_NAME, "the name is not Unicode; rename the file")
    with one_deadline():
        if expected is not None and expected.span is not None:
            return read_member(uri, expected, expected.span)
        place = locate(uri)
        if refusal := refusal_of(place.fs, place.path):
            raise ReadError(ErrorKind.UNSUPPORTED_FORMAT, refusal)
        if reads_versions(place):
            return read_version(place, expected)
        found: _Content = call_store(_read_local if place.is_local else _read_whole, place)
    if expected is not None and expected.size >= 0:
        found.refuse_other(expected)
    return found.data


class _Content(NamedTuple):
    """The bytes of a file, and their version; None where that is not known."""

    data: bytes
    version: str | None = None

    def refuse_other(self, expected: StoredFile) -> None:
        """Raises a `ReadError` if this is not the file that was listed."""
        if len(self.data) != expected.size or self.version not in (None, expected.version):
            raise ReadError(ErrorKind.CHANGED, MEANING[ErrorKind.CHANGED])


def _read_whole(place: Place) -> _Content:
    with place.lock:  # here, in the thread that reads: one that was abandoned still holds it
        return _Content(read_whole(place.fs, place.path))


def _read_local(place: Place) -> _Content:
    if not S_ISREG(Path(place.path).stat().st_mode):
        raise ReadError(ErrorKind.UNSUPPORTED_FORMAT, "a folder, pipe or device")  # a pipe would wait for ever
    return _Content(place.fs.cat_file(place.path), version_of(place.fs.info(place.path)))


def write_bytes(uri: str, data: bytes, is_private: bool = False) -> None:
    """Writes one file completely or not at all and replaces an existing one; on a local disk it is durable on return.

    Args:
        uri: URI of the file.
        data: Its content.
        is_private: Whether on a local disk only its owner may read it, and enter the folders that are made for it.

    Raises:
        NothingCommittedError: The store or the disk refused the file.
    """
    with _refusal_named(uri):
        store_bytes(uri, data, is_private)


def store_bytes(uri: str, data: bytes, is_private: bool = False) -> None:
    """Writes one file as `write_bytes` does, for those who say themselves what a refusal means.

    Args:
        uri: URI of the file.
        data: Its content.
        is_private: As in `write_bytes`.

    Raises:
        ReadError: The store or the disk refused the file.
    """
    place = locate(uri)
    refuse_special_file(place)
    write = partial(writer_of(place), is_private=True) if is_private and place.is_local else writer_of(place)
    call_store(write, place.path, data)


@contextlib.contextmanager
def _refusal_named(uri: str) -> Iterator[None]:
    """Turns the refusal of a file into the error that ends a run."""
    try:
        yield
    except ReadError as error:
        raise NothingCommittedError(f"{uri}: cannot be written: {error.detail}") from None


def writer_of(place: Place) -> Callable[..., None]:
    """Returns what writes one file at a place, completely or not at all."""
    write: Callable[..., None] = replace_file if place.is_local else place.fs.pipe_file
    return write


def put_file(uri: str, path: str) -> None:
    """Moves a local file to its place in one step; a local target must lie on the same file system.

    Raises:
        NothingCommittedError: The store or the disk refused the file.
    """
    place = locate(uri)
    with _refusal_named(uri):
        refuse_special_file(place)
        call_store(move_file if place.is_local else place.fs.put_file, path, place.path)


def create_bytes(uri: str, data: bytes) -> None:
    """Writes one file completely unless it exists already; on a local disk only its owner may read it.

    Raises:
        NothingCommittedError: The store or the disk refused the file.
    """
    place = locate(uri)
    create = create_file if place.is_local else partial(place.fs.pipe_file, mode="create")
    try:
        call_store(create, place.path, data)
    except ReadError as error:
        if not exists(uri):
            raise NothingCommittedError(f"{uri}: cannot be written: {error.detail}") from None


def protect_folder(uri: str) -> None:
    """Makes a folder on a local disk that only its owner may enter, or makes it so; in another store it does nothing.

    Raises:
        NothingCommittedError: The disk refused.
    """
    place = locate(uri)
    if place.is_local:
        with _refusal_named(uri):
            call_store(Path(place.path).mkdir, parents=True, exist_ok=True)
            if call_store(os.stat, place.path).st_mode & 0o077:
                call_store(os.chmod, place.path, 0o700)


def remove(uri: str) -> None:
    """Removes a file, or a folder with everything in it; it may be absent."""
    place = locate(uri)
    with contextlib.suppress(ReadError):
        call_store(place.fs.rm, place.path, recursive=True)


def erase(uri: str) -> None:
    """Removes a file and verifies that it is gone.

    Raises:
        NothingCommittedError: The file still exists, or the store cannot say whether it does.
    """
    remove(uri)
    try:
        is_there = exists(uri)
    except ReadError as error:
        raise NothingCommittedError(f"{uri}: {error.detail}; the file may still exist, try again") from None
    if is_there:
        raise NothingCommittedError(f"{uri}: cannot be removed; fix the permissions of the store or the disk")


def exists(uri: str) -> bool:
    """Returns whether a file or folder exists.

    Raises:
        ReadError: The store does not answer, or refuses access.
    """
    place = locate(uri)
    try:
        info_of(place)
    except ReadError as error:
        if error.kind is ErrorKind.MISSING:
            return False
        raise
    return True


def size_of(uri: str) -> int:
    """Returns the size of a file in bytes; 0 where it is absent or the store does not report a size."""
    with contextlib.suppress(ReadError):
        return max(0, stat(uri).size)
    return 0
