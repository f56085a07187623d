"""Checks what lies where a user wants a result to be written, before any work begins.

Replacing a file in one step would replace a device, a pipe or a socket by a file, so none of them is ever a target.
"""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from melanoma.errors import ErrorKind, ReadError, UsageError
from melanoma.storage.filesystems import Place, call_store, locate
from melanoma.storage.uris import ARCHIVES, split

STDOUT = "-"
_FILE, _FOLDER = "a file", "a folder"
_STREAM = re.compile(r"/dev/(stdin|stdout|stderr|fd/\d+)|/proc/.+")
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISREG, _FILE),
    (stat.S_ISDIR, _FOLDER),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def file_target(target: str) -> str:
    """Checks that a file can be written where the user wants it; writes nothing.

    Args:
        target: URI or path as the user wrote it. `-` is refused: a command that can write to standard output does not
            ask here.

    Returns:
        Canonical URI of the file; for a link on a local disk that of the file to which it leads, so the link stays.

    Raises:
        UsageError: Something is there that is no file, such as a folder, a device or a pipe.
    """
    place = _checked(target, _FILE)
    if target.endswith("/"):
        raise UsageError(f"{target}: is {_FOLDER}, not {_FILE}; choose another path")
    return locate(os.path.realpath(place.path)).uri if place.is_local else place.uri


def folder_target(target: str) -> str:
    """Checks that files can be written to a folder, or that it can be created; writes nothing.

    Args:
        target: URI or path as the user wrote it.

    Returns:
        Canonical URI of the folder.

    Raises:
        UsageError: Something is there that is no folder, such as a file, a device or a pipe.
    """
    return _checked(target, _FOLDER).uri


def _checked(target: str, expected: str) -> Place:
    if target == STDOUT:
        raise UsageError(
            f"-: standard output cannot be used here; give the path of {expected}, or write ./- if it has this name"
        )
    if split(target)[0] in ARCHIVES:
        raise UsageError(f"{target}: lies in an archive, which is only read; choose {expected} outside")
    place = locate(target)
    if place.is_local and _is_below_file(place.path):
        raise UsageError(f"{target}: lies below a file; choose another path")
    if (found := _kind_at(place)) not in (None, expected):
        raise UsageError(f"{target}: is {found}, not {expected}; choose another path")
    return place


def _is_below_file(path: str) -> bool:
    try:
        Path(path).stat()
    except NotADirectoryError:
        return True
    except OSError:  # nothing is there; what else is wrong, the first write says
        return False
    return False


def refuse_special_file(place: Place) -> None:
    """Keeps a write from replacing what is no file; the last defence, where a folder was checked but not its files.

    Raises:
        ReadError: A folder, a device, a pipe or a socket lies there on a local disk.
    """
    if place.is_local and (found := _kind_at(place)) not in (None, _FILE):
        raise ReadError(ErrorKind.BAD_NAME, f"{found} of that name is there")


def _kind_at(place: Place) -> str | None:
    """Returns what lies at a place, links followed; None where nothing is there, or where the store does not say."""
    if not place.is_local:
        return _kind_in_store(place)
    if _STREAM.fullmatch(place.path):
        return "a standard stream"
    try:
        mode = Path(place.path).stat().st_mode
    except OSError:
        return None
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a special file")


def _kind_in_store(place: Place) -> str | None:
    if not place.path.strip("/"):
        return _FOLDER
    try:
        found = call_store(place.fs.info, place.path)["type"]
    except ReadError:  # some buckets may be written, but not asked; what else is wrong, the first write says
        return None
    return _FOLDER if found == "directory" else _FILE
