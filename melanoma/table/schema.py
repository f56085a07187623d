"""The schema of the score table: its columns, their types and what they mean."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from melanoma.errors import UsageError

SCHEMA_VERSION = 1
SCORED, FAILED = "scored", "failed"
PROBABILITY_PREFIX = "p_"
PARTITION = "model_id"


class Column(NamedTuple):
    """A column that every score table has, whatever the bundle.

    Attributes:
        name: Name of the column.
        type: Arrow type.
        nullable: Whether a row may leave it empty.
        meaning: One sentence for the documentation.
    """

    name: str
    type: pa.DataType
    nullable: bool
    meaning: str


COLUMNS = (
    Column("image_id", pa.string(), False, "The manifest's id, else the file's name without its extension."),
    Column("image_uri", pa.string(), False, "Where the photograph lies, spelt as the store spells it."),
    Column("image_version", pa.string(), False, "The store's etag or generation, or time and size; empty if missing."),
    Column("run_date", pa.date32(), False, "Local date on which the run started."),
    Column("run_id", pa.string(), False, "The run that committed the row; begins with its UTC start, sorts by time."),
    Column("scored_at", pa.timestamp("us", "UTC"), False, "When the photograph was scored or failed, UTC."),
    Column("status", pa.string(), False, "`scored` or `failed`."),
    Column("error_kind", pa.string(), True, "Why a photograph failed, from a closed list; null if scored."),
    Column("error", pa.string(), True, "The same for people; null if scored."),
    Column("attempt", pa.int32(), False, "1 for the first try of this version of the photograph with this model."),
    Column("width", pa.int32(), True, "Pixels, upright; null if the header could not be read."),
    Column("height", pa.int32(), True, "Pixels, upright; null if the header could not be read."),
    Column("image_sha256", pa.string(), True, "sha256 of the file's bytes, hex; null if they could not be read."),
    Column("top_label", pa.string(), True, "The class chosen by the bundle's decision rule; no diagnosis."),
    Column("top_probability", pa.float32(), True, "Probability of `top_label`, 0 to 1; need not be the largest."),
    Column("flag_melanoma", pa.bool_(), True, "`p_melanoma` at or above the bundle's threshold; null without one."),
    Column("review", pa.bool_(), True, "Whether a person should look first; null without a threshold for it."),
    Column("review_reason", pa.string(), True, "`unlike_training` or `uncertain`; null where no review is called for."),
    Column(
        "ood_score",
        pa.float32(),
        True,
        "0 to 1, how unlike the training photographs; null where the network does not say.",
    ),
    Column("model_id", pa.string(), False, "`m-` and 12 hex digits over all that moves a probability; the partition."),
)

# Statistics stay in the log after rows are deleted, so columns with names, errors or digests are left out.
STATISTICS_COLUMNS = (
    "run_date",
    "run_id",
    "scored_at",
    "status",
    "error_kind",
    "attempt",
    "top_label",
    "top_probability",
)


def score_schema(slugs: Sequence[str], kept: pa.Schema | None = None) -> pa.Schema:
    """Returns the columns of a bundle's rows, in order.

    Args:
        slugs: Slugs of the bundle's labels; each makes a column `p_<slug>`, float32, 0 to 1, null in a failed row.
        kept: Columns to keep from a manifest.

    Raises:
        UsageError: A kept column has the name of a column of the score table.
    """
    fields = [pa.field(column.name, column.type, column.nullable) for column in COLUMNS]
    fields += [pa.field(PROBABILITY_PREFIX + slug, pa.float32()) for slug in slugs]
    # Delta Lake and DuckDB ignore case.
    taken = {field.name.lower() for field in fields}
    for field in kept or ():
        if field.name.lower() in taken or field.name.lower().startswith(PROBABILITY_PREFIX):
            raise UsageError(
                f"--keep {field.name}: the score table has a column of that name; rename it in the manifest"
            )
        taken.add(field.name.lower())
        fields.append(field.with_nullable(True).remove_metadata())
    return pa.schema(fields)


def kept_names(schema: pa.Schema) -> list[str]:
    """Returns the names of the columns that were kept from a manifest."""
    own = {column.name for column in COLUMNS}
    return [name for name in schema.names if name not in own and not name.startswith(PROBABILITY_PREFIX)]


_UNSIGNED = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}


def stored_type(field: pa.Field) -> pa.DataType:
    """Returns the type that a kept column has when it is read back from the score table.

    A column that is stored under another type would be refused by the next run.

    Raises:
        UsageError: The score table cannot hold the type.
    """
    type_, is_a = field.type, pa.types
    if is_a.is_dictionary(type_):
        type_ = type_.value_type
    if is_a.is_string(type_) or is_a.is_large_string(type_) or is_a.is_string_view(type_):
        return pa.string()
    if is_a.is_timestamp(type_):
        return pa.timestamp("us", type_.tz and "UTC")
    if is_a.is_date(type_):
        return pa.date32()
    if is_a.is_floating(type_):
        return pa.float64() if type_.bit_width == 64 else pa.float32()
    if is_a.is_signed_integer(type_) or is_a.is_boolean(type_) or is_a.is_decimal128(type_):
        return type_
    if type_ in _UNSIGNED:
        return _UNSIGNED[type_]
    raise UsageError(
        f"--keep {field.name}: is {type_}, which the score table cannot hold; write it as text, a number or a date"
    )
