"""Tables of labels: CSV or Parquet files with a row for each photograph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from melanoma.datasets.label_formats import layout_of
from melanoma.datasets.photographs import read_file
from melanoma.errors import DataError
from melanoma.storage.tables import columns_as_text, parse_table

_EXTENSIONS = (".csv", ".tsv", ".tab", ".txt", ".parquet")
_LESION = "lesion_id"


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns.

    Attributes:
        image_id: File name of the photograph without extension, or its path below the root folder; None where the
            table's format says it, see `label_formats`.
        label: Class, in any form that `labels.slug_of` knows; None likewise.
        group: Lesion or patient, whose photographs must stay together; None where the table has no such column, or
            where its format says it.
    """

    image_id: str | None = None
    label: str | None = None
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


class LabelTable(NamedTuple):
    """The rows of a table.

    Attributes:
        rows: Those with a label.
        unlabelled: Number of rows without a label.
    """

    rows: list[LabelRow]
    unlabelled: int


def is_table(uri: str) -> bool:
    """Returns whether a source is a CSV or Parquet table, by its extension, and not a folder."""
    return uri.lower().endswith(_EXTENSIONS)


def read_label_rows(uri: str, columns: Columns) -> list[LabelRow]:
    """Reads the id, label and group of every row of a table; see `read_label_table`."""
    return read_label_table(uri, columns).rows


def read_label_table(uri: str, columns: Columns) -> LabelTable:
    """Reads the id, label and group of every row of a table.

    Raises:
        DataError: The file cannot be read, or a row has no id, several labels, or no label where a column was named.
        UsageError: The file is not a table, lacks a column, or is of no known format and no columns are named.
    """
    data = read_file(uri)
    layout = layout_of(parse_table(data, uri, []).schema.names, uri, columns.image_id, columns.label, columns.group)
    names = layout.columns()
    stated = layout.read(columns_as_text(parse_table(data, uri, names), uri, names), uri)
    # Collections leave some photographs without a diagnosis; in a column that somebody named, a gap is a mistake.
    if empty := sum(not (row.image_id and (row.label or layout.format)) for row in stated):
        raise DataError(f"{uri}: {empty} of {len(stated)} rows have no id or no label; fill them in or remove them")
    rows = [LabelRow(*row) for row in stated if row.label]
    return LabelTable(rows, len(stated) - len(rows))


def read_lesions(uri: str, columns: Columns) -> dict[str, str] | None:
    """Returns the lesion of each photograph of a table whose groups are patients, who may have several lesions.

    Returns:
        Lesion by id of the photograph, empty where the row states none; nothing in it if the table has no column
        `lesion_id`. None if the groups of the table are lesions already.

    Raises:
        DataError: As `read_label_table`.
        UsageError: Likewise.
    """
    header = parse_table(read_file(uri), uri, []).schema.names
    if not layout_of(header, uri, columns.image_id, columns.label, columns.group).groups_are_patients:
        return None
    if _LESION not in header:
        return {}
    return {row.image_id: row.group for row in read_label_rows(uri, replace(columns, group=_LESION))}


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
