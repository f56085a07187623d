"""The one door to DuckDB: SQL over the score table, read through its log."""

import duckdb
import pyarrow as pa

from melanoma import scores
from melanoma.errors import UsageError
from melanoma.texts import printable


def query(table_uri: str, sql: str) -> pa.Table:
    """Answers a query over the view `scores`; nothing but that view can be reached from it.

    Args:
        table_uri: Of the score table.
        sql: One statement of DuckDB's SQL.

    Raises:
        UsageError: There is no table, or DuckDB refuses the statement.
    """
    dataset = scores.dataset(table_uri)
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        connection.register("scores", dataset)
        connection.execute("SET lock_configuration = true")
        try:
            answer = connection.sql(sql)
            return pa.table({}) if answer is None else answer.to_arrow_table()
        except duckdb.Error as error:
            text = printable(str(error), keep="\n")
            raise UsageError(f"the query cannot be answered: {text}") from None


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
