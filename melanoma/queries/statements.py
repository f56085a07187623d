"""Decides which SQL statements may run: one query, and nothing that would change, write, load or set anything."""

import re

import duckdb

from melanoma.errors import UsageError
from melanoma.terminal import printable

# DuckDB counts DESCRIBE, SHOW, SUMMARIZE, VALUES and TABLE as SELECT. It splits PIVOT into several statements, MULTI.
_QUERIES = (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI)
_PIVOT = re.compile(r"(?is).*\bpivot")
_EXPLAIN = re.compile(r"(?is)(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*explain\b(?:\s+analyze\b)?(?:\s*\([^)]*\))?")


def check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Checks a statement before anything is executed.

    Args:
        connection: Its parser reads the statement.
        sql: The text of the statement.

    Returns:
        Whether there is a statement; False for blanks and comments only.

    Raises:
        UsageError: The text cannot be parsed, holds several statements, or is no query.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise query_error(error) from None
    if len(statements) > 1:
        raise UsageError(f"{len(statements)} SQL statements where one query is expected; run them one by one")
    for statement in statements:
        _check_type(connection, statement)
    return bool(statements)


def _check_type(connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> None:
    kind, text = statement.type, statement.query
    if kind == duckdb.StatementType.EXPLAIN and (found := _EXPLAIN.match(text)):
        check_statement(connection, text[found.end() :])
        return
    if kind not in _QUERIES or (kind == duckdb.StatementType.MULTI and not _PIVOT.match(text)):
        raise UsageError(
            f"{kind.name.replace('_', ' ')} is refused, because melanoma query only reads; write a query that begins "
            "with SELECT, FROM or WITH (DESCRIBE, SHOW, SUMMARIZE and EXPLAIN work, too)"
        )


def query_error(error: Exception) -> UsageError:
    """Returns what to raise for a statement that DuckDB refuses."""
    return UsageError(f"the query failed: {printable(str(error), keep=chr(10))}")
