"""Writes the result of a query as one file, or to standard output."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from melanoma import storage
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.queries import text_table, views
from melanoma.queries.formats import WRITERS, Sink
from melanoma.queries.views import Additions, Rows
from melanoma.storage.errors import reason_of
from melanoma.storage.temporary import temporary_root
from melanoma.table.score_table import ScoreTable

TEXT = "table"
FORMATS = (*WRITERS, TEXT)
_NOTHING = Additions()


def export(
    table: ScoreTable,
    sql: str,
    target: str,
    file_format: str | None = None,
    additions: Additions = _NOTHING,
    max_rows: int = text_table.MAX_ROWS,
) -> int:
    """Writes the result of a query as one file, replacing an older one in one step.

    Args:
        table: The score table.
        sql: One DuckDB SQL query.
        target: URI or path of the file.
        file_format: One of `FORMATS`; None to take it from the extension of `target`.
        additions: What the query can use beside the views.
        max_rows: Number of rows in the format `table`.

    Returns:
        Number of rows of the result.

    Raises:
        UsageError: There is no score table, the statement fails, the format is unknown, the folder cannot be used or
            belongs to the table, or something that is no file lies at the target.
        NothingCommittedError: The file cannot be written.
    """
    chosen = format_of(target, file_format)
    if table.layout.is_own(storage.file_target(target)):
        raise UsageError(f"{target}: lies among the files of the score table; choose another folder")
    with new_file(target) as file, views.stream(table, sql, additions) as rows:
        return _write(rows, file, chosen, max_rows)


@contextlib.contextmanager
def new_file(target: str) -> Iterator[Sink]:
    """Opens a file that replaces the one at a target in one step, once the block has ended without an error.

    Args:
        target: URI or path of the file.

    Raises:
        UsageError: The folder cannot be used, or something that is no file lies at the target.
        NothingCommittedError: The file cannot be written.
    """
    uri = storage.file_target(target)
    local = storage.local_path(uri)
    folder = os.path.dirname(local) if local else None
    if folder and not Path(folder).is_dir():
        raise UsageError(f"{target}: the folder {folder} does not exist")
    with _temporary_folder(target, folder) as temporary:
        path = os.path.join(temporary, "result")
        try:
            with open(path, "wb") as file:
                yield file
        except OSError as error:
            raise NothingCommittedError(f"{target}: cannot be written ({reason_of(error)})") from None
        storage.put_file(uri, path)


def write_to(
    sink: Sink,
    table: ScoreTable,
    sql: str,
    file_format: str,
    additions: Additions = _NOTHING,
    max_rows: int = text_table.MAX_ROWS,
) -> int:
    """Writes the result of a query to a stream; arguments, result and errors are those of `export`."""
    with views.stream(table, sql, additions) as rows:
        return _write(rows, sink, file_format, max_rows)


def format_of(target: str, file_format: str | None) -> str:
    """Returns the format of a file.

    Raises:
        UsageError: None is given, and the extension names none.
    """
    found = file_format or Path(target).suffix.removeprefix(".").lower()
    if found not in (FORMATS if file_format else WRITERS):
        raise UsageError(f"{target}: unknown file format; name the file .csv, .json or .parquet, or give --format")
    return found


def _write(rows: Rows, sink: Sink, file_format: str, max_rows: int) -> int:
    if file_format != TEXT:
        return WRITERS[file_format](rows, sink)
    text, count = text_table.as_text_of(rows, max_rows)
    sink.write(f"{text}\n".encode())
    return count


def _temporary_folder(target: str, folder: str | None) -> tempfile.TemporaryDirectory[str]:
    """Creates a folder on the disk of a local target, so that the file can be moved into place in one step."""
    try:
        return tempfile.TemporaryDirectory(dir=folder or temporary_root(), prefix=".export-")
    except OSError as error:
        raise UsageError(f"{target}: cannot write to the folder {folder} ({reason_of(error)})") from None
