"""Writes rows as CSV, JSON or Parquet, batch by batch, to any binary stream."""

import base64
import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet

from melanoma.errors import UsageError
from melanoma.queries.views import Rows

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Sink(Protocol):
    """Takes bytes: a file, or standard output."""

    def write(self, data: bytes, /) -> int:
        """Writes bytes and returns their number."""


def write_parquet(rows: Rows, sink: Sink) -> int:
    """Writes a Parquet file; returns the number of rows."""
    count = 0
    with pa.parquet.ParquetWriter(sink, rows.schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def write_csv(rows: Rows, sink: Sink) -> int:
    """Writes RFC 4180 CSV; text that a spreadsheet would run as a formula gets a leading apostrophe.

    Returns:
        Number of rows.
    """
    count = 0
    _write_records(sink, [[_harmless(name) for name in rows.schema.names]])
    for batch in rows:
        _write_records(sink, zip(*(map(_as_cell, column.to_pylist()) for column in batch.columns), strict=True))
        count += batch.num_rows
    return count


def _write_records(sink: Sink, records: Any) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(records)
    sink.write(text.getvalue().encode())


def _as_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | int | float | Decimal):
        return value
    return _harmless(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_json(rows: Rows, sink: Sink) -> int:
    """Writes one JSON array of ASCII with one object a line; NaN and infinities, which JSON does not know, become null.

    Returns:
        Number of rows.

    Raises:
        UsageError: Two columns have the same name.
    """
    names = rows.schema.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two columns are named {', '.join(twice)}, which JSON cannot hold; rename one with AS")
    count = 0
    sink.write(b"[")
    for batch in rows:
        for record in _records(batch, names):
            sink.write((b",\n" if count else b"\n") + json.dumps(record).encode())
            count += 1
    sink.write(b"\n]\n")
    return count


def _records(batch: pa.RecordBatch, names: list[str]) -> Iterator[dict[str, Any]]:
    columns = [map(_as_json, column.to_pylist()) for column in batch.columns]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(name): _as_json(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(entry) for entry in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


WRITERS: dict[str, Callable[[Rows, Sink], int]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}
