"""The score table: the one door to Delta Lake."""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, UsageError
from melanoma.storage.errors import reason_of
from melanoma.table.durability import sync_commits
from melanoma.table.schema import COLUMNS, PARTITION, STATISTICS_COLUMNS

PROMOTED = "melanoma.promoted"
REFUSALS = (DeltaError, OSError)
_ALL_RUNS = "melanoma-score"
_LEDGER_COLUMNS = ("image_uri", "image_version", "status", "error_kind", "attempt", "run_date", "top_label")


class ConflictError(Exception):
    """The table has moved on since the version that a run planned against."""


def table_version(uri: str) -> int | None:
    """Gives the version of the score table as it is now; None if there is none.

    Raises:
        UsageError: There is a Delta table, but not one of scores.
        NothingCommittedError: The store does not answer.
    """
    table = open_table(uri)
    if table is None:
        return None
    found = {field.name for field in table.schema().fields}
    if missing := [column.name for column in COLUMNS if column.name not in found]:
        raise UsageError(f"{uri}: a Delta table lies there that lacks {', '.join(missing)}; choose another --output")
    return int(table.version())


def open_table(uri: str, version: int | None = None) -> DeltaTable | None:
    """Opens the score table, as it is now or as it was at a version; None if there is none.

    Raises:
        NothingCommittedError: The store does not answer, or the table's log is damaged.
    """
    location, options = storage.delta_location(uri)
    try:
        return DeltaTable(location, version=version, storage_options=options)
    except TableNotFoundError:
        return None
    except REFUSALS as error:
        raise NothingCommittedError(f"{uri}: the score table cannot be opened ({type(error).__name__})") from None


def ledger_rows(uri: str, version: int | None, column: str, value: str) -> Iterator[pa.RecordBatch]:
    """Streams what has been tried, at one version of the table or as it is now.

    Args:
        uri: Of the score table.
        version: To read; None for the present one.
        column: To choose rows by.
        value: That the column must have.

    Yields:
        Batches with the columns image_uri, image_version, status, error_kind, attempt, run_date and top_label.

    Raises:
        NothingCommittedError: A file of the table is gone or damaged, or the store does not answer.
    """
    table = open_table(uri, version)
    if table is None:
        return
    wanted = pyarrow.compute.field(column) == value
    try:
        yield from table.to_pyarrow_dataset().to_batches(columns=list(_LEDGER_COLUMNS), filter=wanted)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(uri, error) from None


def rows(uri: str, columns: Sequence[str], wanted: pyarrow.dataset.Expression | None = None, **equal: str) -> pa.Table:
    """Reads some columns of some rows of the table as it is now.

    Args:
        uri: Of the score table.
        columns: To read; each must be one of the table.
        wanted: Which rows; None for all.
        equal: Columns with the text that they must have.

    Raises:
        UsageError: There is no table.
        NothingCommittedError: A file of it is gone or damaged, or the store does not answer.
    """
    source = dataset(uri)
    for name, value in equal.items():
        is_so = pyarrow.compute.field(name) == value
        wanted = is_so if wanted is None else wanted & is_so
    try:
        return source.to_table(columns=list(columns), filter=wanted)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(uri, error) from None


def _unreadable(uri: str, error: Exception) -> MelanomaError:
    if isinstance(error, pa.ArrowInvalid | FileNotFoundError):
        what = "gone" if isinstance(error, FileNotFoundError) else "damaged"
        files = sorted(set(re.findall(rf"{PARTITION}=[^/\s']+/[^/\s']+?\.parquet", str(error))))
        return UsageError(
            f"{uri}: a data file of the score table is {what} ({', '.join(files) or 'its name is not known'}); "
            "docs/use/scheduling.md says what to do"
        )
    return NothingCommittedError(f"{uri}: the score table cannot be read ({type(error).__name__})")


def dataset(uri: str) -> pyarrow.dataset.Dataset:
    """Opens the score table, as it is now, for pandas, Polars, DuckDB or pyarrow.

    Raises:
        UsageError: There is none.
    """
    table = open_table(uri)
    if table is None:
        raise UsageError(f"{uri}: no score table there; `melanoma score --output {uri}` makes one")
    return table.to_pyarrow_dataset()


def check_types(uri: str, wanted: pa.Schema) -> None:
    """Checks that columns to be carried into the table have the types that they have there.

    Raises:
        UsageError: One has not.
    """
    table = open_table(uri) if wanted.names else None
    schema = pa.schema([]) if table is None else table.to_pyarrow_dataset().schema
    present = {field.name.lower(): field for field in schema}
    for field in wanted:
        known = present.get(field.name.lower(), field)
        if (known.name, known.type) != (field.name, field.type):
            raise UsageError(
                f"--keep {field.name}: is {field.type} in the manifest, the table has {known.name} as {known.type}; "
                "convert or rename it in the manifest"
            )


def knows_under(uri: str, root: str) -> bool:
    """Tells whether the table holds a photograph below a root or glob."""
    table = open_table(uri)
    if table is None:
        return False
    is_below = storage.below(root)
    batches = table.to_pyarrow_dataset().to_batches(columns=["image_uri"])
    return any(is_below(uri) for batch in batches for uri in batch["image_uri"].to_pylist())


def has_committed(uri: str, run_id: str) -> int | None:
    """Gives the present version of the table if it holds a run's commit, else None."""
    table = open_table(uri)
    return int(table.version()) if table is not None and table.transaction_version(run_id) is not None else None


def append(
    uri: str, planned_version: int | None, run_id: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> int:
    """Appends a run's rows in one commit, or nothing.

    Two application transactions go with it: the run's own, and one that all scoring runs share, so that a run which
    planned against an older table conflicts instead of scoring a photograph twice.

    Args:
        uri: Of the score table; it is made if there is none.
        planned_version: Of the table that the rows were planned against.
        run_id: Of the run.
        schema: Of the rows.
        batches: Rows; what this iterator raises is raised here, and nothing is committed.

    Returns:
        The version that holds the rows.

    Raises:
        ConflictError: Another run has committed since `planned_version`.
        NothingCommittedError: The store or the disk refused.
    """
    failure: list[BaseException] = []

    def guarded() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except BaseException as error:  # Arrow's stream forgets what its source raised
            failure.append(error)
            raise

    try:
        table = _table_to_write(uri, planned_version, schema)
        write_deltalake(
            table,
            pa.RecordBatchReader.from_batches(schema, guarded()),
            mode="append",
            schema_mode="merge",
            writer_properties=WriterProperties(compression="ZSTD"),
            commit_properties=CommitProperties(
                custom_metadata={"run_id": run_id},
                app_transactions=[Transaction(run_id, 1), Transaction(_ALL_RUNS, 1)],
            ),
        )
    except REFUSALS as error:
        if failure:
            raise failure[0] from None
        if (version := has_committed(uri, run_id)) is None:
            if isinstance(error, CommitFailedError):
                raise ConflictError(uri) from error
            raise NothingCommittedError(
                f"{uri}: the commit failed ({reason_of(error)}); what is scored stays staged"
            ) from None
    else:
        version = int(table.version())
    if (folder := storage.local_path(uri)) is not None:
        sync_commits(folder, planned_version or 0, version)
    return version


def _table_to_write(uri: str, planned_version: int | None, schema: pa.Schema) -> DeltaTable:
    location, options = storage.delta_location(uri)
    if planned_version is None:
        DeltaTable.create(
            location,
            schema=schema,
            mode="ignore",
            partition_by=[PARTITION],
            configuration={"delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS)},
            storage_options=options,
            # A second try would make the table again on top of what another run has committed, without its columns.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
        # A table that another run has made meanwhile was empty at version 0, as this run planned it.
        planned_version = 0
    return DeltaTable(location, version=planned_version, storage_options=options)


def models(uri: str) -> list[str]:
    """Gives the models of a score table, the one that was first in it at the front.

    Raises:
        UsageError: There is no table.
    """
    table = rows(uri, [PARTITION, "run_id"])
    first = table.group_by(PARTITION).aggregate([("run_id", "min")]).sort_by("run_id_min")
    return [str(model) for model in first[PARTITION].to_pylist()]


def promoted(uri: str) -> str | None:
    """Gives the model whose answers count: the promoted one, else the one that was first in the table; None for none.

    Raises:
        UsageError: There is no table.
    """
    table = open_table(uri)
    chosen = None if table is None else table.metadata().configuration.get(PROMOTED)
    return chosen or next(iter(models(uri)), None)


def overwrite(table: DeltaTable, rows: pa.RecordBatchReader) -> None:
    """Replaces all rows of a table in one commit."""
    properties = CommitProperties(custom_metadata={"why": "forgotten"})
    compression = WriterProperties(compression="ZSTD")
    write_deltalake(table, rows, mode="overwrite", writer_properties=compression, commit_properties=properties)
