"""SQL over views of the score table; the only module that uses DuckDB."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from melanoma.errors import MAY_HEAL, UsageError
from melanoma.queries.run_rows import run_rows
from melanoma.runs.retry_policy import DAILY_RETRIES, DAYS_AT_FIRST, DAYS_LATER
from melanoma.runs.run_history import read_series
from melanoma.table.score_table import ScoreTable
from melanoma.terminal import printable

_HEALING = ", ".join(f"'{kind.value}'" for kind in sorted(MAY_HEAL))
_DAYS_TO_NEXT_TRY = f"CASE WHEN attempt <= {DAILY_RETRIES} THEN {DAYS_AT_FIRST} ELSE {DAYS_LATER} END"
# The newest row of a photograph is the one written last, whichever version of the photograph it belongs to.
_LATEST = """
CREATE VIEW latest AS
SELECT * EXCLUDE (_place, _failed_at, _failure),
       coalesce(_failed_at > scored_at, false) AS newer_failed,
       coalesce(_failed_at > scored_at AND _failure = 'missing', false) AS gone
FROM (
  SELECT *,
         row_number() OVER (PARTITION BY image_uri, model_id, status ORDER BY scored_at DESC, attempt DESC) AS _place,
         max(scored_at) FILTER (status = 'failed') OVER photograph AS _failed_at,
         arg_max(error_kind, scored_at) FILTER (status = 'failed') OVER photograph AS _failure
  FROM scores
  WINDOW photograph AS (PARTITION BY image_uri, model_id)
)
WHERE status = 'scored' AND _place = 1
"""
_FAILURES = f"""
CREATE VIEW failures AS
SELECT image_id, image_uri, image_version, model_id, error_kind, error, attempt AS attempts, _first AS first_failed_at,
       scored_at AS last_failed_at, _scored_before AS scored_before, error_kind IN ({_HEALING}) AS may_heal,
       CASE WHEN error_kind IN ({_HEALING}) THEN run_date + {_DAYS_TO_NEXT_TRY} END AS next_try
FROM (
  SELECT *,
         row_number() OVER (PARTITION BY image_uri, model_id ORDER BY scored_at DESC, attempt DESC) AS _place,
         min(scored_at) FILTER (status = 'failed') OVER version AS _first,
         count(*) FILTER (status = 'scored') OVER (PARTITION BY image_uri, model_id) > 0 AS _scored_before
  FROM scores
  WINDOW version AS (PARTITION BY image_uri, image_version, model_id)
)
WHERE status = 'failed' AND _place = 1
"""  # noqa: S608 - built from constants only


def query(table: ScoreTable, sql: str) -> pa.Table:
    """Returns the result of one statement over the views `scores`, `latest`, `current`, `failures` and `nights`.

    The statement cannot reach files, the network or other variables of this process.

    Args:
        table: The score table.
        sql: One DuckDB SQL statement.

    Returns:
        The result; a table without columns if the statement returns no result.

    Raises:
        UsageError: There is no score table, or DuckDB rejects the statement.
    """
    with _result(table, sql) as result:
        return pa.table({}) if result is None else result.to_arrow_table()


@contextlib.contextmanager
def stream(table: ScoreTable, sql: str) -> Iterator[pa.RecordBatchReader]:
    """Opens the result of one statement batch by batch, so that it may be larger than memory.

    Args:
        table: The score table.
        sql: One DuckDB SQL statement that returns a result.

    Raises:
        UsageError: There is no score table, DuckDB rejects the statement, or the statement returns no result.
    """
    with _result(table, sql) as result:
        if result is None:
            raise UsageError("the statement returns no rows to write; begin it with SELECT or FROM")
        yield result.to_arrow_reader()


@contextlib.contextmanager
def _result(table: ScoreTable, sql: str) -> Iterator[Any]:
    dataset = table.dataset()
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        connection.register("scores", dataset)
        connection.execute(_LATEST)
        connection.execute(_FAILURES)
        promoted = table.promoted()
        # A model id contains only hexadecimal digits and a dash; DuckDB does not accept parameters in a view.
        connection.execute(f"CREATE VIEW current AS SELECT * FROM latest WHERE model_id = '{promoted or ''}'")  # noqa: S608
        # The records are many small files, so they are read only for statements that use them.
        runs = read_series(table.layout) if re.search(r"\bnights\b", sql, re.IGNORECASE) else []
        connection.register("nights", run_rows(runs))
        connection.execute("SET lock_configuration = true")
        try:
            yield connection.sql(sql)
        except duckdb.Error as error:
            text = printable(str(error), keep="\n")
            raise UsageError(f"the query failed: {text}") from None
