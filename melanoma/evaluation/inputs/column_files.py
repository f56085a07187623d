"""Columns of a CSV or Parquet file as text, from any store."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from melanoma.storage.tables import columns_as_text, parse_table, read_table_file


class Texts(NamedTuple):
    """Columns of a file.

    Attributes:
        columns: Text by column name, without surrounding blanks, empty where the file has no value; all of one length.
        sha256: SHA-256 of the file's bytes, hex.
    """

    columns: dict[str, list[str]]
    sha256: str


def read_header(option: str, uri: str) -> list[str]:
    """Returns the column names of a CSV with a header, or of a Parquet file.

    Args:
        option: The command-line option that names the file, for error messages.
        uri: Where the file is.

    Raises:
        UsageError: The file does not exist, or it is neither CSV nor Parquet.
        NothingCommittedError: The store does not answer.
    """
    return list(parse_table(read_table_file(option, uri), f"{option} {uri}", []).schema.names)


def read_texts(option: str, uri: str, names: Sequence[str], optional: Sequence[str] = ()) -> Texts:
    """Reads columns of a CSV with a header, or of a Parquet file.

    Args:
        option: The command-line option that names the file, for error messages.
        uri: Where the file is.
        names: Columns that the file must have exactly once.
        optional: Columns to include where the file has them.

    Raises:
        UsageError: There is no such file, it is neither CSV nor Parquet, or it lacks a column.
        NothingCommittedError: The store does not answer.
    """
    data, name = read_table_file(option, uri), f"{option} {uri}"
    table = parse_table(data, name, [*names, *optional])
    return Texts(columns_as_text(table, name, names, optional), hashlib.sha256(data).hexdigest())
