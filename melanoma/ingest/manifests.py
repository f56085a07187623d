"""Manifests: CSV or Parquet files with one row per photograph, and columns to keep in the score table."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from melanoma.errors import UsageError
from melanoma.storage.tables import parse_table, read_table_file
from melanoma.table.schema import stored_type

_OWN_COLUMNS = ("uri", "image_id")


@dataclass(frozen=True)
class Manifest:
    """A CSV or Parquet file with one row per photograph.

    Attributes:
        uri: URI or path of the file. It has a column `uri` and may have a column `image_id`.
        keep: Columns to keep in the score table.
        since: Photographs with an earlier local date in the store are ignored; None for no limit.

    Raises:
        UsageError: `keep` names `uri`, `image_id`, or a column twice.
    """

    uri: str
    keep: tuple[str, ...] = ()
    since: datetime.date | None = None

    def __post_init__(self) -> None:
        """Checks `keep`."""
        if wrong := sorted({name for name in self.keep if name in _OWN_COLUMNS or self.keep.count(name) > 1}):
            raise UsageError(
                f"--keep {', '.join(wrong)}: uri and image_id are always kept, any other column can be kept once; "
                "remove the repeated names"
            )


def read_manifest(manifest: Manifest) -> pa.Table:
    """Reads the columns of a manifest that a run needs.

    Returns:
        The columns uri (text, never null), image_id (text) if there is one, and the kept ones in the types in which
        the score table returns them.

    Raises:
        UsageError: The file is missing, is not a manifest, lacks a column, or has a column of the wrong type.
    """
    name = f"--manifest {manifest.uri}"
    # CSV is read as text: 007 stays 007, and a column that is empty today has the type that it has tomorrow.
    table = parse_table(read_table_file("--manifest", manifest.uri), name, (*_OWN_COLUMNS, *manifest.keep))
    if fault := _fault_in(table, manifest.keep):
        raise UsageError(f"{name}: {fault}")
    own = [pa.field(column, pa.string()) for column in _OWN_COLUMNS if column in table.schema.names]
    kept = [pa.field(column, stored_type(table.schema.field(column))) for column in manifest.keep]
    wanted = pa.schema([*own, *kept])
    return table.select(wanted.names).cast(wanted, safe=False)  # unsafe, as it rounds nanoseconds to microseconds


def kept_fields(manifest: Manifest) -> list[pa.Field]:
    """Returns the columns that a manifest carries into the score table, with their types there.

    Raises:
        UsageError: As by `read_manifest`.
    """
    return [field for field in read_manifest(manifest).schema if field.name not in _OWN_COLUMNS]


def _fault_in(table: pa.Table, keep: Sequence[str]) -> str | None:
    """Returns what is wrong with the columns of a manifest, and what to do; None if nothing is."""
    names = table.schema.names
    if missing := [name for name in ("uri", *keep) if name not in names]:
        return f"no column {', '.join(missing)}; it has {', '.join(names)}"
    if repeated := [name for name in (*_OWN_COLUMNS, *keep) if names.count(name) > 1]:
        return f"column {', '.join(repeated)} appears twice; rename or drop one of them"
    for name in _OWN_COLUMNS:
        if name in names and not _is_usable(name, type_ := table.schema.field(name).type):
            return f"column {name} is {type_}; write it as text"
    if table["uri"].null_count:
        return f"{table['uri'].null_count} rows have no uri; fill them in or remove the rows"
    return None


def _is_usable(name: str, type_: pa.DataType) -> bool:
    # Not a float, which has lost digits of a long id, or gained a ".0".
    is_whole = pa.types.is_integer(type_) or pa.types.is_null(type_)
    return _is_text(type_) or (name == "image_id" and is_whole)


def _is_text(type_: pa.DataType) -> bool:
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    return any(check(plain) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
