"""The one door to DuckDB: SQL over views of the score table, read through its log."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from melanoma.errors import MAY_HEAL, UsageError
from melanoma.runs.retry_policy import NIGHTS_IN_A_ROW
from melanoma.runs.run_history import read_series
from melanoma.table.score_table import ScoreTable
from melanoma.terminal import printable

VIEWS = ("scores", "latest", "current", "failures", "nights")
_HEALING = ", ".join(f"'{kind.value}'" for kind in sorted(MAY_HEAL))
# Whatever else a photograph has gone through, its newest row is the one that was written last.
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
       CASE WHEN error_kind IN ({_HEALING})
            THEN run_date + CASE WHEN attempt <= {NIGHTS_IN_A_ROW} THEN 1 ELSE 7 END END AS next_try
FROM (
  SELECT *,
         row_number() OVER (PARTITION BY image_uri, model_id ORDER BY scored_at DESC, attempt DESC) AS _place,
         min(scored_at) FILTER (status = 'failed') OVER version AS _first,
         count(*) FILTER (status = 'scored') OVER (PARTITION BY image_uri, model_id) > 0 AS _scored_before
  FROM scores
  WINDOW version AS (PARTITION BY image_uri, image_version, model_id)
)
WHERE status = 'failed' AND _place = 1
"""  # noqa: S608 - of our own closed list


def query(table: ScoreTable, sql: str) -> pa.Table:
    """Answers a query over the views `scores`, `latest`, `current`, `failures` and `nights`; nothing else is reached.

    Args:
        table: The score table.
        sql: One statement of DuckDB's SQL.

    Raises:
        UsageError: There is no table, or DuckDB refuses the statement.
    """
    with _answer(table, sql) as answer:
        return pa.table({}) if answer is None else answer.to_arrow_table()


@contextlib.contextmanager
def stream(table: ScoreTable, sql: str) -> Iterator[pa.RecordBatchReader]:
    """Answers a query batch by batch, so that an answer may be larger than memory.

    Args:
        table: The score table.
        sql: One statement of DuckDB's SQL, with an answer.

    Raises:
        UsageError: There is no table, DuckDB refuses the statement, or it has no answer.
    """
    with _answer(table, sql) as answer:
        if answer is None:
            raise UsageError("the statement has no answer to write; begin it with SELECT or FROM")
        yield answer.to_arrow_reader()


@contextlib.contextmanager
def _answer(table: ScoreTable, sql: str) -> Iterator[Any]:
    dataset = table.dataset()
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        connection.register("scores", dataset)
        connection.execute(_LATEST)
        connection.execute(_FAILURES)
        promoted = table.promoted()
        # A model id holds hexadecimal digits and a dash; DuckDB takes no parameters in a view.
        connection.execute(f"CREATE VIEW current AS SELECT * FROM latest WHERE model_id = '{promoted or ''}'")  # noqa: S608
        # Many small files: only for who asks.
        nights = read_series(table.layout) if re.search(r"\bnights\b", sql, re.IGNORECASE) else []
        connection.register("nights", _as_table(nights))
        connection.execute("SET lock_configuration = true")
        try:
            yield connection.sql(sql)
        except duckdb.Error as error:
            text = printable(str(error), keep="\n")
            raise UsageError(f"the query cannot be answered: {text}") from None


_NIGHTS = pa.schema(
    [
        ("run_id", pa.string()),
        ("run_date", pa.date32()),
        ("started_at", pa.timestamp("s", "UTC")),
        ("model_id", pa.string()),
        ("outcome", pa.string()),
        *(
            (name, pa.int64())
            for name in ("listed", "scored", "failed", "skipped", "duplicates", "deferred", "ignored")
        ),
        ("seconds", pa.float64()),
        ("table_version", pa.int64()),
        ("warnings", pa.int64()),
        ("drift", pa.float64()),
    ]
)


def _as_table(nights: Sequence[Mapping[str, Any]]) -> pa.Table:
    rows = [{**night, **night["counts"], "started_at": night["run_id"].split("-")[0]} for night in nights]
    texts = pa.schema(
        [(name, pa.string() if name in ("run_date", "started_at") else type_) for name, type_ in _typed()]
    )
    table = pa.Table.from_pylist([{name: row[name] for name in _NIGHTS.names} for row in rows], schema=texts)
    started = pa.compute.strptime(table["started_at"], "%Y%m%dT%H%M%SZ", "s").cast(pa.timestamp("s", "UTC"))
    table = table.set_column(_NIGHTS.get_field_index("started_at"), "started_at", started)
    return table.cast(_NIGHTS)


def _typed() -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in _NIGHTS]


def as_text(table: pa.Table, most: int = 50) -> str:
    """Lays a table out for a terminal.

    Args:
        table: Any.
        most: Rows to show; how many more there are is said.
    """
    if not table.num_columns:
        return "(no answer)"
    # By columns: an answer may have two of one name.
    rows = list(zip(*(map(_cell, column.to_pylist()) for column in table.slice(0, most).columns), strict=True))
    cells = [[printable(name) for name in table.schema.names], *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in table.schema]
    lines = [
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    more = table.num_rows - len(rows)
    return "\n".join([*lines, f"… and {more:,} more rows"] if more else lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return printable(f"{value:.4g}" if isinstance(value, float) else str(value))
