"""Columns of a CSV or Parquet file as text, from any store."""

import hashlib
import io
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from melanoma import storage
from melanoma.errors import NothingCommittedError, ReadError, UsageError


class Texts(NamedTuple):
    """Columns of a file.

    Attributes:
        columns: Texts by name, without blanks around them, empty where the file has nothing; all of one length.
        sha256: Of the file's bytes, hex.
    """

    columns: dict[str, list[str]]
    sha256: str


def read_texts(option: str, uri: str, names: Sequence[str], optional: Sequence[str] = ()) -> Texts:
    """Reads columns of a CSV with a header, or of a Parquet file.

    Args:
        option: That names the file, for complaints.
        uri: Of the file.
        names: Columns that must be there once.
        optional: Columns that are read where they are there.

    Raises:
        UsageError: There is no such file, it is neither, or it lacks a column.
        NothingCommittedError: The store does not answer.
    """
    data = _bytes(option, uri)
    try:
        table = _parsed(data, [*names, *optional])
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        # Its text quotes a row, which may name a patient.
        raise UsageError(f"{option} {uri}: neither CSV with a header nor Parquet ({type(error).__name__})") from None
    wanted = [*names, *(name for name in optional if name in table.schema.names)]
    for name in wanted:
        if (times := table.schema.names.count(name)) != 1:
            has = ", ".join(map(str, table.schema.names))
            raise UsageError(f"{option} {uri}: {times or 'no'} column {name!r}, expected one; it has {has}")
    return Texts({name: _texts(option, uri, name, table[name]) for name in wanted}, hashlib.sha256(data).hexdigest())


def _bytes(option: str, uri: str) -> bytes:
    try:
        return storage.read_bytes(storage.canonical(uri))
    except ReadError as error:
        if error.kind.may_pass:
            raise NothingCommittedError(f"{option} {uri}: {error.detail}; try again") from None
        raise UsageError(f"{option} {uri}: {error.detail}; check the path and its rights") from None


def _parsed(data: bytes, names: Sequence[str]) -> pa.Table:
    if data[:4] == b"PAR1":
        return pa.parquet.ParquetFile(io.BytesIO(data)).read()
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(io.BytesIO(data), parse_options=parse, convert_options=convert)


def _texts(option: str, uri: str, name: str, column: pa.ChunkedArray) -> list[str]:
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    try:
        return [(value or "").strip() for value in pc.cast(plain, pa.string()).to_pylist()]
    except pa.ArrowException:
        raise UsageError(f"{option} {uri}: column {name!r} is {column.type}, expected text or numbers") from None
