"""Writes the result of a query as one CSV or Parquet file."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.queries import views
from melanoma.storage.errors import reason_of
from melanoma.table.score_table import ScoreTable

FORMATS = ("csv", "parquet")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export(table: ScoreTable, sql: str, target: str, file_format: str | None = None) -> int:
    """Writes the result of a query as one file, replacing an older one in one step.

    Args:
        table: The score table.
        sql: One DuckDB SQL statement that returns a result.
        target: URI or path of the file.
        file_format: One of `FORMATS`; None to take it from the extension of `target`.

    Returns:
        Number of rows written.

    Raises:
        UsageError: There is no score table, the statement fails, the format is unknown, or the folder cannot be used.
        NothingCommittedError: The file cannot be written.
    """
    write = _writer(target, file_format)
    uri = storage.canonical(target)
    local = storage.local_path(uri)
    folder = os.path.dirname(local) if local else None
    if folder and not Path(folder).is_dir():
        raise UsageError(f"{target}: the folder {folder} does not exist")
    with views.stream(table, sql) as reader, _temporary_folder(target, folder) as temporary:
        path = os.path.join(temporary, "result")
        rows = write(reader, path)
        storage.put_file(uri, path)
    return rows


def _temporary_folder(target: str, folder: str | None) -> tempfile.TemporaryDirectory[str]:
    """Creates a folder on the same disk as the target, so that the file can be moved into place in one step."""
    try:
        return tempfile.TemporaryDirectory(dir=folder, prefix=".export-")
    except OSError as error:
        raise UsageError(f"{target}: cannot write to the folder {folder} ({reason_of(error)})") from None


def _writer(target: str, file_format: str | None) -> Callable[[pa.RecordBatchReader, str], int]:
    found = (file_format or Path(target).suffix.removeprefix(".")).lower()
    if found not in FORMATS:
        raise UsageError(f"{target}: unknown file format; name the file .csv or .parquet, or give --format")
    return _write_csv if found == "csv" else _write_parquet


def _write_parquet(reader: pa.RecordBatchReader, path: str) -> int:
    rows = 0
    with pa.parquet.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_csv(reader: pa.RecordBatchReader, path: str) -> int:
    """Writes RFC 4180 CSV; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    rows = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([_harmless(name) for name in reader.schema.names])
        for batch in reader:
            writer.writerows(_rows(batch))
            rows += batch.num_rows
    return rows


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    yield from zip(*(map(_as_cell, column.to_pylist()) for column in batch.columns), strict=True)


def _as_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | int | float | Decimal):
        return value
    return _harmless(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
