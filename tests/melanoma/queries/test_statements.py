"""Which statements may run, by the parser of DuckDB; what they do is tested with the views."""

import duckdb
import pytest

from melanoma.errors import UsageError
from melanoma.queries.statements import check_statement, query_error


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


@pytest.mark.parametrize("sql", ["SELECT 1", "FROM x;", "  EXPLAIN\n(FORMAT json) FROM x", "PIVOT x ON a USING sum(b)"])
def test_a_query_may_run(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert check_statement(connection, sql)


@pytest.mark.parametrize("sql", ["", " ; ", "-- nothing", "/* nothing */"])
def test_blanks_and_comments_are_no_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert not check_statement(connection, sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE TABLE t (a INT)", "CREATE is refused"),
        ("EXPLAIN EXPLAIN COPY t TO 'x'", "the query failed"),
        ("EXPLAIN INSERT INTO t VALUES (1)", "INSERT is refused"),
        ("SELECT 1; DROP TABLE t; SELECT 2", "3 SQL statements where one query is expected"),
        ("SELEC \x1b[2J", "the query failed"),
    ],
)
def test_anything_else_is_refused(connection: duckdb.DuckDBPyConnection, sql: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        check_statement(connection, sql)
    assert "\x1b" not in str(caught.value)


def test_control_characters_of_an_error_are_replaced() -> None:
    assert str(query_error(ValueError("a\x1bb\nc"))) == "the query failed: a\N{REPLACEMENT CHARACTER}b\nc"
