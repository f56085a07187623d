"""Manifests: CSV or Parquet files with one row per photograph, and columns to keep in the score table."""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from melanoma import storage
from melanoma.errors import ReadError, UsageError
from melanoma.images.dicom_tags import KEPT
from melanoma.storage.column_types import fitting_type, misfit
from melanoma.storage.tables import columns_in_words, is_parquet, parse_table, read_table_file
from melanoma.storage.uris import split
from melanoma.table.schema import stored_type
from melanoma.wording import counted

_OWN_COLUMNS = ("uri", "image_id")
_FIRST_ROW = 2  # as a spreadsheet counts: the header is row 1


@dataclass(frozen=True)
class Manifest:
    """A CSV or Parquet file with one row per photograph.

    Attributes:
        uri: URI or path of the file. It has a column `uri` and may have a column `image_id`.
        keep: Columns to keep in the score table.
        since: Photographs with an earlier local date in the store are ignored; None for no limit.
        folder: Path of the folder in which relative paths in the file start; None for the working folder.
        known: Columns of the score table: a kept column of a CSV file has the type that it has there. Empty for no
            table; then it has the type that fits all its values.

    Raises:
        UsageError: `keep` names `uri`, `image_id`, a column twice, or what is kept of DICOM files.
    """

    uri: str
    keep: tuple[str, ...] = ()
    since: datetime.date | None = None
    folder: str | None = None
    known: pa.Schema = field(default_factory=lambda: pa.schema([]))

    def __post_init__(self) -> None:
        """Checks `keep`."""
        if taken := sorted(set(self.keep) & set(KEPT)):
            raise UsageError(
                f"--keep {', '.join(taken)}: under this name the score table keeps what DICOM files below --images "
                "say; rename the manifest's column"
            )
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
        UsageError: The file is missing, is not a manifest, lacks a column, has a column of the wrong type, or holds a
            value that does not fit the type of its column in the score table.
    """
    name = f"--manifest {manifest.uri}"
    data = read_table_file("--manifest", manifest.uri)
    table = parse_table(data, name, (*_OWN_COLUMNS, *manifest.keep))
    if fault := _fault_in(table, manifest.keep):
        raise UsageError(f"{name}: {fault}")
    own = [pa.field(column, pa.string()) for column in _OWN_COLUMNS if column in table.schema.names]
    if is_parquet(data):
        kept = [pa.field(column, stored_type(table.schema.field(column))) for column in manifest.keep]
    else:
        kept = [pa.field(column, _type_in_csv(manifest, column, table[column])) for column in manifest.keep]
    wanted = pa.schema([*own, *kept])
    for column in own:  # blanks that a person typed are no part of a name or an id
        text = pc.utf8_trim_whitespace(table[column.name].cast(pa.string()))
        if manifest.folder is not None and column.name == "uri":
            text = pa.array([_in_folder(uri, manifest.folder) for uri in text.to_pylist()], pa.string())
        table = table.set_column(table.schema.get_field_index(column.name), column.name, text)
    return table.select(wanted.names).cast(wanted, safe=False)  # unsafe, as it rounds nanoseconds to microseconds


def _in_folder(uri: str, folder: str) -> str:
    is_path = not split(uri)[0] and not uri.startswith("~")
    return os.path.join(folder, uri) if is_path else uri


def stated_values(manifest: Manifest) -> pa.Table:
    """Returns what a manifest says about its photographs, under the URIs that the score table has.

    Returns:
        image_uri; image_id if the manifest has ids, where it leaves one empty the file's name; and the kept columns.
        Rows whose archive or store cannot be opened are left out.

    Raises:
        UsageError: As by `read_manifest`.
    """
    table = read_manifest(manifest)
    uris = pa.array([_canonical(uri) for uri in table["uri"].to_pylist()], pa.string())
    table = table.set_column(table.schema.get_field_index("uri"), "image_uri", uris).filter(uris.is_valid())
    if "image_id" not in table.schema.names:
        return table
    pairs = zip(table["image_id"].to_pylist(), table["image_uri"].to_pylist(), strict=True)
    ids = pa.array([image_id or storage.stem_of(uri) for image_id, uri in pairs], pa.string())
    return table.set_column(table.schema.get_field_index("image_id"), "image_id", ids)


def _canonical(uri: str) -> str | None:
    try:
        return storage.canonical(uri)
    except (ReadError, UsageError):
        return None


def _type_in_csv(manifest: Manifest, name: str, values: pa.ChunkedArray) -> pa.DataType:
    """Returns the type of a kept column: that of the score table, or else the one that fits every value."""
    if name not in manifest.known.names:
        return fitting_type(values)
    type_ = manifest.known.field(name).type
    if (found := misfit(values, type_)) is not None:
        raise UsageError(
            f"--manifest {manifest.uri}: column {name}, row {found.row + _FIRST_ROW}: expected {found.expected}, as "
            f"the column is {type_} in the score table; correct the value, or keep the column under another name"
        )
    return type_


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
        return f"no column {', '.join(missing)}; {columns_in_words(names)}"
    if repeated := [name for name in (*_OWN_COLUMNS, *keep) if names.count(name) > 1]:
        return f"column {', '.join(repeated)} appears twice; rename or drop one of them"
    for name in _OWN_COLUMNS:
        if name in names and not _is_usable(name, type_ := table.schema.field(name).type):
            return f"column {name} is {type_}; write it as text"
    if table["uri"].null_count:
        return f"no uri in {counted(table['uri'].null_count, 'row')}; fill it in or remove the rows"
    return None


def _is_usable(name: str, type_: pa.DataType) -> bool:
    # Not a float, which has lost digits of a long id, or gained a ".0".
    is_whole = pa.types.is_integer(type_) or pa.types.is_null(type_)
    return _is_text(type_) or (name == "image_id" and is_whole)


def _is_text(type_: pa.DataType) -> bool:
    plain = type_.value_type if pa.types.is_dictionary(type_) else type_
    return any(check(plain) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
