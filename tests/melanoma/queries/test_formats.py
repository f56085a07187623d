"""What a result looks like as CSV, JSON and Parquet, whatever its types."""

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from melanoma.errors import UsageError
from melanoma.queries.exports import FORMATS, write_to
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, row

ODD = """
SELECT DATE '2026-01-02' AS d, TIMESTAMPTZ '2026-01-02 03:04:05.5+00' AS t, 'NaN'::DOUBLE AS nan, '-inf'::FLOAT AS inf,
       [1, NULL] AS list, {'a': 1.5, 'b': DATE '2026-01-02'} AS struct, MAP {'k': 1} AS map, TRUE AS yes,
       170141183460469231731::HUGEINT AS huge, 1.25::DECIMAL(9, 2) AS dec, 'a"b' || chr(10) || chr(27) || ' é' AS text,
       NULL AS nothing, 'x'::BLOB AS bytes, INTERVAL 1 DAY AS span, sum(attempt) AS total FROM scores
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    folder = tmp_path_factory.mktemp("formats") / "scores"
    commit(folder, [row("a"), row("b", attempt=2)])
    return table_in(folder)


def written(table: ScoreTable, sql: str, file_format: str) -> bytes:
    sink = io.BytesIO()
    write_to(sink, table, sql, file_format)
    return sink.getvalue()


def test_json_is_an_array_with_an_object_a_line_and_has_sound_values(table: ScoreTable) -> None:
    text = written(table, ODD, "json").decode("ascii")

    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is not JSON")

    (found,) = json.loads(text, parse_constant=refuse)
    assert text.startswith("[\n{") and text.endswith("}\n]\n") and text.count("\n") == 3
    assert found.pop("span") and found == {
        "d": "2026-01-02",
        "t": "2026-01-02T03:04:05.500000+00:00",
        "nan": None,
        "inf": None,
        "list": [1, None],
        "struct": {"a": 1.5, "b": "2026-01-02"},
        "map": [["k", 1]],
        "huge": 170141183460469231731,
        "dec": 1.25,
        "yes": True,
        "nothing": None,
        "text": 'a"b\n\x1b é',
        "bytes": "eA==",
        "total": 3,
    }
    assert json.loads(written(table, "SELECT 1 AS a WHERE false", "json")) == []
    assert json.loads(written(table, "FROM range(70000)", "json"))[-1] == {"range": 69999}


def test_two_columns_of_one_name_do_not_fit_into_json(table: ScoreTable) -> None:
    with pytest.raises(UsageError, match="two columns are named a, which JSON cannot hold; rename one with AS"):
        written(table, "SELECT 1 a, 2 a", "json")


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_type_can_be_written_in_every_format(table: ScoreTable, file_format: str) -> None:
    sql = ODD if file_format != "parquet" else ODD.replace("INTERVAL 1 DAY", "1")
    assert len(written(table, sql, file_format)) > 100


def test_parquet_can_be_written_to_a_pipe(table: ScoreTable, tmp_path: Path) -> None:
    pipe, copy = tmp_path / "pipe", tmp_path / "copy.parquet"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: copy.write_bytes(pipe.read_bytes()))
    reader.start()
    with open(pipe, "wb") as sink:
        assert write_to(sink, table, "SELECT range AS n FROM range(200000)", "parquet") == 200_000
    reader.join()
    assert pq.read_table(copy)["n"].to_pylist() == list(range(200_000))


def test_text_shows_the_first_rows_and_counts_the_rest(table: ScoreTable) -> None:
    sink = io.BytesIO()
    assert write_to(sink, table, "SELECT range AS n FROM range(200000)", "table", max_rows=2) == 200_000
    assert sink.getvalue().decode() == "n\n-\n0\n1\n… and 199,998 more rows\n"
