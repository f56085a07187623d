"""Checks the files of a score table before anything opens them: a pipe never ends, a link may lead anywhere."""

import os
import stat
import urllib.parse
from collections.abc import Iterable

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.table.layout import OutputLayout


def check_data_files(layout: OutputLayout, names: Iterable[str]) -> None:
    """Refuses data files outside of the table's folder and, on a local disk, those that are not regular files.

    A file that is gone passes: whoever reads it says so.

    Args:
        layout: Of the table.
        names: Paths of the data files, as the log states them.

    Raises:
        UsageError: A data file cannot be one of this table.
    """
    folder = storage.local_path(layout.root)
    for name in names:
        if not layout.is_data_file(urllib.parse.unquote(name)):
            raise _refusal(layout, "the log of the score table names a data file outside of its folder")
        if folder is not None and _is_special(os.path.join(folder, urllib.parse.unquote(name))):
            raise _refusal(layout, f"the data file {name} is a link, a pipe or a device, expected a regular file")


def check_log(layout: OutputLayout) -> None:
    """Refuses a log with a file that is a pipe or a device, which would never end.

    Raises:
        UsageError: The log of a table on a local disk has such a file.
    """
    if (folder := storage.local_path(layout.log)) is None:
        return
    try:
        with os.scandir(folder) as entries:
            special = [entry.name for entry in entries if not entry.is_file() and not entry.is_dir()]
    except OSError:  # no table, or no access, which opening it tells
        return
    if special:
        raise _refusal(layout, f"{min(special)} in the log of the score table is a pipe or a device")


def _is_special(path: str) -> bool:
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _refusal(layout: OutputLayout, found: str) -> UsageError:
    return UsageError(
        f"{layout}: {found}; this program did not write it: restore the table from a backup, and find out who can "
        "write to this folder"
    )
