"""Tries out the folder of an output, so that a run fails at its start and not at its end."""

import errno
import os

from melanoma.errors import ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.storage.errors import with_advice
from melanoma.storage.files import remove, writer_of
from melanoma.storage.filesystems import Place, call_store, locate
from melanoma.storage.local import replace_file

_REMEDY = "choose another --output or fix its permissions"
_MAY_PASS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE})
NO_HARD_LINKS = "the disk offers no hard links, without which two runs could commit at once"
OTHER_DISK = "choose a folder on another disk, such as ext4, XFS or NFS, or a bucket"


def check_writable(folder: str, probe: str, remedy: str = _REMEDY) -> None:
    """Writes and removes a file.

    Args:
        folder: The folder as the user wrote it, for messages.
        probe: URI of the file, somewhere below the folder.
        remedy: What to do if the folder cannot be written.

    Raises:
        UsageError: The folder cannot be written, or its bucket does not exist.
        NothingCommittedError: The folder cannot be written now: the disk is full, or the store does not answer.
    """
    place = locate(probe)
    try:
        call_store(writer_of(place), place.path, b"probe")
    except ReadError as error:
        found = f"the output {folder} cannot be written: {error.detail}"
        if error.kind.is_transient:
            raise NothingCommittedError(f"{found}; nothing was read, try again") from None
        if error.kind is ErrorKind.MISSING and not place.is_local:
            raise UsageError(no_bucket(f"the output {folder}")) from None
        if error.kind is ErrorKind.FORBIDDEN:
            found = f"the output {folder} cannot be written: {with_advice(error)}"
        raise UsageError(f"{found}; {remedy}") from None
    remove(place.uri)


def check_committable(folder: str, probe: str, remedy: str = _REMEDY) -> None:
    """Checks that a folder can be written, and on a local disk that Delta Lake can commit there.

    It writes a commit under another name and links it to its own, so that of two runs exactly one succeeds. Disks such
    as exFAT and some network shares offer no links. Delta Lake's way without them may replace another run's commit.

    Args:
        folder: The folder as the user wrote it, for messages.
        probe: URI of a file somewhere below the folder.
        remedy: What to do if the folder cannot be written.

    Raises:
        UsageError: The folder cannot be written, its bucket does not exist, or its disk offers no hard links.
        NothingCommittedError: The folder cannot be written now: the disk is full, or the store does not answer.
    """
    check_writable(folder, probe, remedy)
    place = locate(probe)
    if place.is_local:
        _check_links(folder, place)


def _check_links(folder: str, place: Place) -> None:
    linked = f"{place.path}.link"
    replace_file(place.path, b"probe")
    try:
        os.link(place.path, linked)
    except OSError as error:
        if error.errno in _MAY_PASS:
            raise NothingCommittedError(
                f"the output {folder} cannot be written: {error.strerror}; nothing was read, try again"
            ) from None
        raise UsageError(f"the output {folder} cannot hold a score table: {NO_HARD_LINKS}; {OTHER_DISK}") from None
    finally:
        remove(place.uri)
        remove(locate(linked).uri)


def no_bucket(what: str) -> str:
    """Returns the error for a bucket or container that its store does not have.

    Args:
        what: What lies there, as the user wrote it.
    """
    return f"{what} does not exist: the store has no bucket of this name; check it for a typo, or create the bucket"
