"""Answers as files for programs that know neither Delta Lake nor DuckDB: whole or not there."""

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

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
FORMATS = ("csv", "parquet")


def export(table: ScoreTable, sql: str, target: str, kind: str | None = None) -> int:
    """Writes the answer to a query as one file, in batches, replacing what lay there in one step.

    Args:
        table: The score table.
        sql: One statement of DuckDB's SQL.
        target: URI or path of the file.
        kind: One of `FORMATS`; None for what the target's name ends with.

    Returns:
        Number of rows.

    Raises:
        UsageError: There is no table, the statement cannot be answered, or the kind is not known.
        NothingCommittedError: The store or the disk does not take the file.
    """
    write = _writer(target, kind)
    uri = storage.canonical(target)
    local = storage.local_path(uri)
    folder = os.path.dirname(local) if local else None
    if folder and not Path(folder).is_dir():
        raise UsageError(f"{target}: the folder {folder} is not there")
    with views.stream(table, sql) as reader, _workplace(target, folder) as own:
        path = os.path.join(own, "answer")
        rows = write(reader, path)
        storage.put_file(uri, path)
    return rows


def _workplace(target: str, folder: str | None) -> tempfile.TemporaryDirectory[str]:
    """Makes a folder on the disk of the target, so that the file can be moved there in one step."""
    try:
        return tempfile.TemporaryDirectory(dir=folder, prefix=".export-")
    except OSError as error:
        raise UsageError(f"{target}: the folder {folder} takes no file ({reason_of(error)})") from None


def _writer(target: str, kind: str | None) -> Callable[[pa.RecordBatchReader, str], int]:
    found = (kind or Path(target).suffix.removeprefix(".")).lower()
    if found not in FORMATS:
        raise UsageError(f"{target}: say with --format whether it shall be {' or '.join(FORMATS)}")
    return _write_csv if found == "csv" else _write_parquet


def _write_parquet(reader: pa.RecordBatchReader, path: str) -> int:
    rows = 0
    with pa.parquet.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_csv(reader: pa.RecordBatchReader, path: str) -> int:
    """Writes RFC 4180, with text that a spreadsheet would run as a formula made plain by an apostrophe."""
    rows = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow([_plain(name) for name in reader.schema.names])
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
    return _plain(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
