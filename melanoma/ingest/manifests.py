"""A manifest: a CSV or Parquet file with a row a photograph, and what of it goes into the score table."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from melanoma.errors import UsageError
from melanoma.storage.tables import parse_table, read_table_file
from melanoma.table.schema import stored_type

_OWN = ("uri", "image_id")


@dataclass(frozen=True)
class Manifest:
    """A CSV or Parquet file with a row a photograph.

    Attributes:
        uri: Of the file; it has a column `uri`, and may have `image_id`.
        keep: Columns to carry into the score table.
        since: Photographs that the store dates before this local date are ignored; None to take all.

    Raises:
        UsageError: A column is to be kept that is there anyway, or twice.
    """

    uri: str
    keep: tuple[str, ...] = ()
    since: datetime.date | None = None

    def __post_init__(self) -> None:
        if wrong := sorted({name for name in self.keep if name in _OWN or self.keep.count(name) > 1}):
            raise UsageError(f"--keep {', '.join(wrong)}: uri and image_id are kept anyway, other columns once")


def read_manifest(manifest: Manifest) -> pa.Table:
    """Reads what counts of a manifest.

    Returns:
        The columns uri (text, none null), image_id (text) if there is one, and the kept ones in the types of the table.

    Raises:
        UsageError: The file is not there, is no manifest, lacks a column, or has one that cannot be meant.
    """
    name = f"--manifest {manifest.uri}"
    # As text, so that neither 007 nor a column that is empty tonight changes its type from night to night.
    table = parse_table(read_table_file("--manifest", manifest.uri), name, (*_OWN, *manifest.keep))
    if wrong := _fault(table, manifest.keep):
        raise UsageError(f"{name}: {wrong}")
    own = [pa.field(name, pa.string()) for name in _OWN if name in table.schema.names]
    kept = [pa.field(name, stored_type(table.schema.field(name))) for name in manifest.keep]
    wanted = pa.schema([*own, *kept])
    return table.select(wanted.names).cast(wanted, safe=False)  # of nanoseconds the microseconds stay


def _fault(table: pa.Table, keep: Sequence[str]) -> str | None:
    """Says what of the columns cannot be meant."""
    names = table.schema.names
    if missing := [name for name in ("uri", *keep) if name not in names]:
        return f"no column {', '.join(missing)}; it has {', '.join(names)}"
    if twice := [name for name in (*_OWN, *keep) if names.count(name) > 1]:
        return f"column {', '.join(twice)} is there twice; rename or drop one"
    types = {name: table.schema.field(name).type for name in _OWN if name in names}
    # A float has lost the digits of a number, or gained a .0.
    if wrong := [
        name for name in types if not (_is_text(types[name]) or (name == "image_id" and _is_whole(types[name])))
    ]:
        return f"column {wrong[0]} is {types[wrong[0]]}; write it as text"
    if table["uri"].null_count:
        return f"{table['uri'].null_count} rows have no uri; fill or drop them"
    return None


def _is_whole(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_null(type_))


def _is_text(type_: pa.DataType) -> bool:
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    return any(check(plain) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
