"""Formats the result of a query as text for a terminal."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import pyarrow as pa

from melanoma.terminal import printable

MAX_ROWS = 50


class Batches(Protocol):
    """Rows that arrive in batches."""

    @property
    def schema(self) -> pa.Schema:
        """Schema of the batches."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yields the batches."""


class Shown(NamedTuple):
    """A result as text.

    Attributes:
        text: Its first rows.
        rows: Number of all its rows.
    """

    text: str
    rows: int


def as_text_of(rows: Batches, max_rows: int = MAX_ROWS) -> Shown:
    """Returns rows as text, see `as_text`; counts the rest of them without keeping it in memory."""
    first, count = list[pa.RecordBatch](), 0
    for batch in rows:
        if count < max_rows:
            first.append(batch.slice(0, max_rows - count))
        count += batch.num_rows
    return Shown(as_text(pa.Table.from_batches(first, rows.schema), max_rows, count), count)


def as_text(table: pa.Table, max_rows: int = MAX_ROWS, of: int | None = None) -> str:
    """Returns a table as aligned text: numbers right-aligned, nulls as `-`, without control characters.

    Args:
        table: Any table; two columns may have the same name.
        max_rows: Number of rows to show; a last line states how many more there are.
        of: Number of rows of the whole result, of which `table` is the beginning; None for those of `table`.
    """
    if not table.num_columns:
        return "(no result)"
    shown = [column.to_pylist() for column in table.slice(0, max_rows).columns]
    rows = [[_cell(value) for value in row] for row in zip(*shown, strict=True)]
    cells = [[printable(name) for name in table.schema.names], *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_number = [pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in table.schema]
    lines = [_line(row, widths, is_number) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    more = (table.num_rows if of is None else of) - len(rows)
    return "\n".join([*lines, f"… and {more:,} more rows"] if more else lines)


def _line(cells: list[str], widths: list[int], is_number: list[bool]) -> str:
    aligned = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, is_number, strict=True)
    ]
    return "  ".join(aligned).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return printable(f"{value:.4g}" if isinstance(value, float) else str(value))
