"""The views of the score table, and SQL over them."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.dataset

from melanoma.errors import MelanomaError, UsageError
from melanoma.queries import corrected_scores
from melanoma.queries.clinics import clinics
from melanoma.queries.dating import DATED_VIEWS, check_dates
from melanoma.queries.groups import lesions, patients
from melanoma.queries.lean_dataset import lean
from melanoma.queries.model_view import models
from melanoma.queries.newest_views import FAILURES, LATEST, current
from melanoma.queries.over_time import over_time
from melanoma.queries.run_rows import run_rows
from melanoma.queries.statements import check_statement, query_error
from melanoma.queries.view import View, ViewInput
from melanoma.runs.run_history import read_series
from melanoma.table.corrections import Corrections
from melanoma.table.score_table import ScoreTable

# One entry a view; each may use those before it.
VIEWS = (
    View("latest", LATEST),
    View("current", current),
    View("failures", FAILURES),
    View("lesions", lesions, ("lesion",)),
    View("patients", patients, ("patient",)),
    View("over_time", over_time, ("lesion",)),
    View("clinics", clinics),
    View("models", models),
)
# The columns that views ask for by role, where no option names another one.
ROLES = {"lesion": "lesion_id", "patient": "patient_id"}
NAMES = (*(view.name for view in VIEWS), "nights", "scores", corrected_scores.RAW)
_BATCH_ROWS = 65_536
_READING = "reading the stream registered as"  # so DuckDB begins an error of Arrow
_INTERRUPTED = "Query interrupted"  # so DuckDB reports Ctrl-C, as a RuntimeError


@dataclass(frozen=True)
class Additions:
    """What a statement can use beside the views of the score table.

    Attributes:
        tables: Further tables by name.
        roles: Columns for roles, where they differ from `ROLES`; `date` and `clinic` have no column of their own.
        clinic_levels: Number of folder names, below the folder that all photographs share, that make a clinic.
    """

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    clinic_levels: int = 1


class Rows:
    """The result of a query, batch by batch; it can be read once.

    Attributes:
        schema: Of the batches.
    """

    def __init__(self, reader: pa.RecordBatchReader, cause: Callable[[Exception], MelanomaError]) -> None:
        """Takes the result.

        Args:
            reader: Of DuckDB.
            cause: Returns what to raise for an error of reading.
        """
        self.schema, self._reader, self._cause = reader.schema, reader, cause

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yields the batches.

        Raises:
            UsageError: The query fails in one of its rows, or a data file of the table is damaged.
            NothingCommittedError: The store does not answer.
        """
        while True:
            try:
                batch = self._reader.read_next_batch()
                batch.validate(full=True)  # DuckDB passes on what is no Unicode in a damaged file
            except StopIteration:
                return
            except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
                raise _stop_of(error) or self._cause(error) from None
            yield batch


_NOTHING = Additions()


def query(table: ScoreTable, sql: str, additions: Additions = _NOTHING) -> pa.Table:
    """Returns the result of one query over the views in `NAMES`.

    The statement cannot reach files, the network or other variables of this process.

    Args:
        table: The score table.
        sql: One DuckDB SQL query.
        additions: What it can use besides.

    Returns:
        The result; a table without columns if there is no statement.

    Raises:
        UsageError: There is no score table, the statement is no query, or DuckDB rejects it.
    """
    with _result(table, sql, additions) as rows:
        return pa.table({}) if rows is None else pa.Table.from_batches(rows, rows.schema)


@contextlib.contextmanager
def stream(table: ScoreTable, sql: str, additions: Additions = _NOTHING) -> Iterator[Rows]:
    """Opens the result of one query batch by batch, so that it may be larger than memory.

    Args:
        table: The score table.
        sql: One DuckDB SQL query.
        additions: What it can use besides.

    Raises:
        UsageError: There is no score table, the statement is no query, or DuckDB rejects it.
        NothingCommittedError: The store does not answer.
    """
    with _result(table, sql, additions) as rows:
        if rows is None:
            raise UsageError("the statement returns no rows to write; begin it with SELECT or FROM")
        yield rows


@contextlib.contextmanager
def _result(table: ScoreTable, sql: str, additions: Additions) -> Iterator[Rows | None]:
    dataset = lean(table.dataset())
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        is_query = check_statement(connection, sql)
        _register_scores(connection, dataset, Corrections.read(table.layout))
        # The records are many small files, so they are read only for statements that use them.
        runs = read_series(table.layout) if _mentions(sql, "nights") or _mentions(sql, "models") else []
        connection.register("nights", run_rows(runs))
        roles = {**ROLES, **additions.roles}
        given = ViewInput(dataset.schema, table.promoted(), roles, additions.clinic_levels)
        missing = _create_views(connection, given)
        for name, rows in additions.tables.items():
            connection.register(name, rows)
        for name in DATED_VIEWS:
            if is_query and name not in missing and _mentions(sql, name):
                check_dates(connection, given, name)
        connection.execute("SET lock_configuration = true")
        cause = partial(_cause, table, dataset, missing)
        try:
            reader = connection.sql(sql).to_arrow_reader(_BATCH_ROWS) if is_query else None
        except (duckdb.Error, RuntimeError) as error:
            raise _stop_of(error) or cause(error) from None
        yield None if reader is None else Rows(reader, cause)


def _register_scores(
    connection: duckdb.DuckDBPyConnection, dataset: pyarrow.dataset.Dataset, corrections: Corrections
) -> None:
    connection.register(corrected_scores.RAW, dataset)
    connection.register(corrected_scores.TABLE, corrections.rows)
    connection.execute(corrected_scores.scores(corrections, dataset.schema.names))


def _create_views(connection: duckdb.DuckDBPyConnection, given: ViewInput) -> dict[str, UsageError]:
    """Creates the views; returns why each of the others cannot be used."""
    missing = {}
    for view in VIEWS:
        try:
            connection.execute(view.definition(given))
        except UsageError as error:
            missing[view.name] = error
    return missing


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) is not None


def _stop_of(error: Exception) -> KeyboardInterrupt | None:
    """Returns Ctrl-C where DuckDB reports it as an error of its own; raises an error that is neither.

    Raises:
        RuntimeError: It is neither an error of DuckDB nor one of Arrow, but a defect.
    """
    if isinstance(error, duckdb.InterruptException) or str(error) == _INTERRUPTED:
        return KeyboardInterrupt()
    if isinstance(error, RuntimeError) and not isinstance(error, duckdb.Error | pa.ArrowException):
        raise error
    return None


def _cause(
    table: ScoreTable, dataset: pyarrow.dataset.Dataset, missing: Mapping[str, UsageError], error: Exception
) -> MelanomaError:
    """Returns what to raise for an error of DuckDB: it may be one of the statement, or of reading the table."""
    text = str(error)
    for name, reason in missing.items():
        if re.search(rf"Table with name {name} does not exist", text, re.IGNORECASE):
            return reason
    is_of_table = _READING in text or isinstance(error, pa.ArrowInvalid)
    return table.read_failure(error, dataset) if is_of_table else query_error(error)
