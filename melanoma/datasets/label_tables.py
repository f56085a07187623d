"""Tables of labels: CSV or Parquet files with a row for each photograph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from melanoma.datasets.photographs import read_file
from melanoma.errors import DataError
from melanoma.labels import stated_group
from melanoma.storage.tables import columns_as_text, parse_table

_EXTENSIONS = (".csv", ".parquet")


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns.

    Attributes:
        image_id: File name of the photograph without extension, or its path below the root folder.
        label: Class, in any form that `labels.slug_of` knows.
        group: Lesion or patient, whose photographs must stay together; None where the table has no such column.
    """

    image_id: str
    label: str
    group: str | None = None


class LabelRow(NamedTuple):
    """One row of a table.

    Attributes:
        image_id: As the table states it, never empty.
        label: As the table states it, never empty.
        group: Lesion or patient; empty where the table states none.
    """

    image_id: str
    label: str
    group: str


def is_table(uri: str) -> bool:
    """Returns whether a source is a CSV or Parquet table, by its extension, and not a folder."""
    return uri.lower().endswith(_EXTENSIONS)


def read_label_rows(uri: str, columns: Columns) -> list[LabelRow]:
    """Reads the id, label and group of every row of a table.

    Raises:
        DataError: The file cannot be read, or a row has no id or no label.
        UsageError: The file is not a table, or lacks a column.
    """
    names = [name for name in (columns.image_id, columns.label, columns.group) if name is not None]
    text = read_columns(uri, names)
    groups = text[columns.group] if columns.group else [""] * len(text[columns.image_id])
    rows = [LabelRow(*row) for row in zip(text[columns.image_id], text[columns.label], groups, strict=True)]
    if empty := sum(not (row.image_id and row.label) for row in rows):
        raise DataError(f"{uri}: {empty} of {len(rows)} rows have no id or no label; fill them in or remove them")
    return [row._replace(group=stated_group(row.group)) for row in rows]


def read_columns(uri: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, list[str]]:
    """Reads columns of a table as text, without surrounding blanks.

    Args:
        uri: CSV file with a header row, or Parquet file.
        required: Columns that the table must have exactly once.
        optional: Columns to include where the table has them.

    Raises:
        DataError: The file cannot be read.
        UsageError: The file is not a table, or lacks a column.
    """
    table = parse_table(read_file(uri), uri, [*required, *optional])
    return columns_as_text(table, uri, required, optional)
