"""Reads small CSV and Parquet tables, such as label files and manifests, without quoting their values in errors."""

import io
import re
from collections.abc import Collection, Sequence
from functools import partial, reduce

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from melanoma.errors import NothingCommittedError, ReadError, UsageError
from melanoma.storage.column_types import fitting_type
from melanoma.storage.csv_dialects import columns_in_words as columns_in_words
from melanoma.storage.csv_dialects import dialect_of, plain_name, without_blanks
from melanoma.storage.files import read_bytes
from melanoma.storage.filesystems import canonical

_PARQUET_MAGIC = b"PAR1"
_BLOCK_BYTES = 2**20
# The parts of Arrow's messages that quote no cell: rows name patients, and URIs may be signed.
_SAFE_DETAILS = re.compile(r"Row #\d+|Expected \d+ columns, got \d+|invalid UTF8|Empty CSV file")
_ENCODING_DETAILS = ("invalid UTF8", "UnicodeDecodeError")


def read_table_file(option: str, uri: str) -> bytes:
    """Reads the bytes of a table that a command-line option names.

    Args:
        option: The option, for error messages, such as `--labels`.
        uri: Where the file is.

    Raises:
        UsageError: The store has no such file, or does not let it be read.
        NothingCommittedError: The store does not answer; a later try may succeed.
    """
    try:
        return read_bytes(canonical(uri))
    except ReadError as error:
        if error.kind.is_transient:
            raise NothingCommittedError(f"{option} {uri}: {error.detail}; try again") from None
        raise UsageError(f"{option} {uri}: {error.detail}; check the path and its permissions") from None


def parse_typed_table(data: bytes, name: str, text_columns: Collection[str]) -> pa.Table:
    """Parses a CSV or Parquet file whose columns have types.

    Args:
        data: The whole file.
        name: What error messages call the table.
        text_columns: Columns of a CSV file that stay text whatever they hold.

    Returns:
        All columns. Those of a CSV file have the type that fits every value, see `fitting_type`.

    Raises:
        UsageError: The bytes are neither.
    """
    table = parse_table(data, name, None)
    if is_parquet(data):
        return table
    columns = [
        column if column_name in text_columns else column.cast(fitting_type(column))
        for column_name, column in zip(table.schema.names, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, table.schema.names)


def is_parquet(data: bytes) -> bool:
    """Tells whether a table is a Parquet file, which has types of its own."""
    return data.startswith(_PARQUET_MAGIC)


def parse_table(data: bytes, name: str, text_columns: Collection[str] | None) -> pa.Table:
    """Parses a CSV file with a header row, or a Parquet file.

    Args:
        data: The whole file.
        name: What error messages call the table, such as `--labels labels.csv`.
        text_columns: Columns of a CSV file that are always read as text, so that `007` keeps its zeros; None for
            all. Columns that the file lacks are ignored. A Parquet file keeps its types.

    Returns:
        All columns of the file; empty CSV cells are null.

    Raises:
        UsageError: The bytes are neither.
    """
    try:
        if is_parquet(data):
            return pa.parquet.ParquetFile(io.BytesIO(data)).read()
        return without_blanks(_parse_csv(data, name, text_columns))  # also, a header that is not UTF-8 fails here
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        details = ", ".join(_SAFE_DETAILS.findall(str(error))) or type(error).__name__
        advice = '; is it UTF-8? save it as "CSV UTF-8"' if any(word in details for word in _ENCODING_DETAILS) else ""
        raise UsageError(f"{name}: neither CSV with a header nor Parquet ({details}){advice}") from None


def _parse_csv(data: bytes, name: str, text_columns: Collection[str] | None) -> pa.Table:
    plain, separator = dialect_of(data, name)
    # In one block, so that a cell may be of any length and a column's type is that of all its values.
    reading = pa.csv.ReadOptions(use_threads=False, block_size=max(_BLOCK_BYTES, len(plain) + 1))
    parsing = pa.csv.ParseOptions(
        delimiter=separator, newlines_in_values=True, invalid_row_handler=partial(_judge_row, separator)
    )
    names = pa.csv.open_csv(io.BytesIO(plain), reading, parsing).schema.names
    if text_columns is not None:
        names = [column for column in names if plain_name(column) in text_columns]
    conversion = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return _without_empty_rows(pa.csv.read_csv(io.BytesIO(plain), reading, parsing, conversion))


def _judge_row(separator: str, row: pa.csv.InvalidRow) -> str:
    """Tells Arrow to skip a row of another length if it is blank, such as the end mark of old programs."""
    return "error" if row.text.strip(f"{separator} \t\0\x1a") else "skip"


def _without_empty_rows(table: pa.Table) -> pa.Table:
    """Returns a table without the rows of nothing but separators that spreadsheets leave at the end."""
    if not table.num_columns or not table.num_rows:
        return table
    filled = reduce(pc.or_, (column.is_valid() for column in table.columns))
    return table if pc.all(filled).as_py() else table.filter(filled)


def columns_as_text(
    table: pa.Table, name: str, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Returns columns of a table as text, without surrounding blanks; nulls become empty.

    Args:
        table: As `parse_table` returns it.
        name: What error messages call the table.
        required: Columns that the table must have exactly once.
        optional: Columns to include where the table has them.

    Raises:
        UsageError: A column is missing, appears twice, or is neither text nor numbers.
    """
    has = table.schema.names
    chosen = list(dict.fromkeys([*required, *(column for column in optional if column in has)]))
    for column in chosen:
        if (times := has.count(column)) != 1:
            raise UsageError(f"{name}: {times or 'no'} column {column!r}, expected one; {columns_in_words(has)}")
    return {column: _as_text(table[column], f"{name}: column {column!r}") for column in chosen}


def _as_text(column: pa.ChunkedArray, name: str) -> list[str]:
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    try:
        return [(value or "").strip() for value in pc.cast(plain, pa.string()).to_pylist()]
    except pa.ArrowException:
        raise UsageError(f"{name} is {column.type}, expected text or numbers") from None
