"""The labels that a model is judged by: a CSV or Parquet file with a row for each photograph."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from melanoma import storage
from melanoma.errors import DataError, ErrorKind, NothingCommittedError, ReadError, UsageError
from melanoma.labels import slug_of


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a label file.

    Attributes:
        image_id: The photograph's id, as in the score table's `image_id`.
        label: Its class, in any spelling that `labels.slug_of` takes.
        group: Its lesion or patient; None where the file knows none.
        by: What to tell subgroups by.
    """

    image_id: str
    label: str
    group: str | None = None
    by: tuple[str, ...] = ()

    def all(self) -> list[str]:
        """Every column once."""
        return list(dict.fromkeys([self.image_id, self.label, *([self.group] if self.group else []), *self.by]))


@dataclass(frozen=True)
class Truth:
    """What is known of one photograph.

    Attributes:
        label: Slug.
        group: Its lesion or patient; empty where none is stated.
        by: Values of the subgroup columns, in their order; empty where not stated.
    """

    label: str
    group: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Truths:
    """The labels of a file.

    Attributes:
        uri: Of the file.
        sha256: Of its bytes, hex.
        columns: That were read.
        of: What is known of each photograph, by its id.
        blank: Rows without id or label.
        repeated: Rows that say again what another one says.
        contradictory: Ids that rows give different labels; they are not in `of`.
    """

    uri: str
    sha256: str
    columns: Columns
    of: Mapping[str, Truth] = field(repr=False)
    blank: int
    repeated: int
    contradictory: int


def read_truths(uri: str, columns: Columns) -> Truths:
    """Reads labels.

    Args:
        uri: CSV with a header, or Parquet.
        columns: To read.

    Raises:
        UsageError: There is no such file, it is neither, or it lacks a column.
        DataError: It labels no photograph.
        NothingCommittedError: The store does not answer.
    """
    data = _bytes(uri)
    table = _table(uri, data, columns.all())
    texts = {name: [(value or "").strip() for value in table[name].to_pylist()] for name in columns.all()}
    slugs = {label: slug_of(label) for label in set(texts[columns.label]) if label}
    groups = texts[columns.group] if columns.group else [""] * table.num_rows
    values = zip(*(texts[name] for name in columns.by), strict=True) if columns.by else [()] * table.num_rows
    found: dict[str, Truth] = {}
    contradictory: set[str] = set()
    blank = repeated = 0
    for image_id, label, group, by in zip(texts[columns.image_id], texts[columns.label], groups, values, strict=True):
        if not (image_id and label):
            blank += 1
        elif image_id not in found:
            found[image_id] = Truth(slugs[label], group, by)
        elif found[image_id].label == slugs[label]:
            repeated += 1
        else:
            contradictory.add(image_id)
    if not found:
        raise DataError(f"{uri}: no row has both an id and a label; expected one row for each photograph")
    clear = {image_id: truth for image_id, truth in found.items() if image_id not in contradictory}
    return Truths(uri, hashlib.sha256(data).hexdigest(), columns, clear, blank, repeated, len(contradictory))


def _bytes(uri: str) -> bytes:
    try:
        return storage.read_bytes(storage.canonical(uri))
    except ReadError as error:
        if error.kind in (ErrorKind.TIMEOUT, ErrorKind.STORE_UNAVAILABLE):
            raise NothingCommittedError(f"--labels {uri}: {error.detail}; try again") from None
        raise UsageError(f"--labels {uri}: {error.detail}; check the path and its rights") from None


def _table(uri: str, data: bytes, names: list[str]) -> pa.Table:
    """Reads columns as text."""
    try:
        table = _parsed(data, names)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        # Its text quotes a row, which may name a patient.
        raise UsageError(f"--labels {uri}: neither CSV with a header nor Parquet ({type(error).__name__})") from None
    for name in names:
        if (times := table.schema.names.count(name)) != 1:
            has = ", ".join(map(str, table.schema.names))
            raise UsageError(f"--labels {uri}: {times or 'no'} column {name!r}, expected one; it has {has}")
    try:
        return pa.table({name: pc.cast(_plain(table[name]), pa.string()) for name in names})
    except pa.ArrowException:
        raise UsageError(f"--labels {uri}: a column of {', '.join(names)} is no text, number or date") from None


def _parsed(data: bytes, names: list[str]) -> pa.Table:
    if data[:4] == b"PAR1":
        return pa.parquet.ParquetFile(io.BytesIO(data)).read()
    convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(io.BytesIO(data), parse_options=parse, convert_options=convert)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
