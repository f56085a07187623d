"""The views of the score table, and SQL over them."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from melanoma.errors import UsageError
from melanoma.queries.clinics import clinics
from melanoma.queries.groups import lesions, patients
from melanoma.queries.lean_dataset import lean
from melanoma.queries.model_view import models
from melanoma.queries.newest_views import FAILURES, LATEST, current
from melanoma.queries.over_time import over_time
from melanoma.queries.run_rows import run_rows
from melanoma.queries.statements import check_statement, query_error
from melanoma.queries.view import View, ViewInput
from melanoma.runs.run_history import read_series
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
NAMES = (*(view.name for view in VIEWS), "nights", "scores")
_BATCH_ROWS = 65_536


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
    with _result(table, sql, additions) as result:
        return pa.table({}) if result is None else result.to_arrow_table()


@contextlib.contextmanager
def stream(table: ScoreTable, sql: str, additions: Additions = _NOTHING) -> Iterator[pa.RecordBatchReader]:
    """Opens the result of one query batch by batch, so that it may be larger than memory.

    Args:
        table: The score table.
        sql: One DuckDB SQL query.
        additions: What it can use besides.

    Raises:
        UsageError: There is no score table, the statement is no query, or DuckDB rejects it.
    """
    with _result(table, sql, additions) as result:
        if result is None:
            raise UsageError("the statement returns no rows to write; begin it with SELECT or FROM")
        yield result.to_arrow_reader(_BATCH_ROWS)


@contextlib.contextmanager
def _result(table: ScoreTable, sql: str, additions: Additions) -> Iterator[Any]:
    dataset = lean(table.dataset())
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        is_query = check_statement(connection, sql)
        connection.register("scores", dataset)
        # The records are many small files, so they are read only for statements that use them.
        runs = read_series(table.layout) if _mentions(sql, "nights") or _mentions(sql, "models") else []
        connection.register("nights", run_rows(runs))
        roles = {**ROLES, **additions.roles}
        given = ViewInput(dataset.schema, table.promoted(), roles, additions.clinic_levels)
        missing = _create_views(connection, given)
        for name, rows in additions.tables.items():
            connection.register(name, rows)
        connection.execute("SET lock_configuration = true")
        try:
            yield connection.sql(sql) if is_query else None
        except duckdb.Error as error:
            raise _cause(error, missing) from None


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


def _cause(error: duckdb.Error, missing: Mapping[str, UsageError]) -> UsageError:
    for name, reason in missing.items():
        if re.search(rf"Table with name {name} does not exist", str(error), re.IGNORECASE):
            return reason
    return query_error(error)
