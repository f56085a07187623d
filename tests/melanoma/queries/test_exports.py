"""An export replaces the old file completely, or leaves it unchanged."""

import csv
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from melanoma.errors import UsageError
from melanoma.queries.exports import FORMATS, export
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, failed, row

FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=cmd|"/c"!A1']


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    folder = tmp_path_factory.mktemp("exports") / "scores"
    commit(folder, [row("a"), row("b"), failed("c")])
    return table_in(folder)


def test_formulas_are_escaped_and_numbers_are_not(tmp_path: Path) -> None:
    folder, target = tmp_path / "scores", tmp_path / "result.csv"
    commit(folder, [row(str(place), error=text) for place, text in enumerate(FORMULAS)])
    texts = "'a\"b,c' || chr(10) || 'd' AS t, NULL AS e"
    sql = f'SELECT error AS "=name", -p_nevus AS n, -0.5 AS d, {texts} FROM scores ORDER BY image_id'  # noqa: S608
    assert export(table_in(folder), sql, str(target)) == len(FORMULAS)
    lines = target.read_bytes().decode().split("\r\n")
    assert lines[0] == "'=name,n,d,t,e"
    assert lines[1] == '\'=1+1,-0.75,-0.5,"a""b,c\nd",'
    assert target.read_bytes().count(b"\r\n") == len(FORMULAS) + 1
    with target.open(newline="", encoding="utf-8") as file:
        assert [record[0] for record in csv.reader(file)][1:] == [f"'{text}" for text in FORMULAS]


def test_dates_and_booleans_are_machine_readable(table: ScoreTable, tmp_path: Path) -> None:
    sql = "SELECT run_date, scored_at, status = 'scored' AS ok, error_kind FROM scores WHERE image_id = 'DOE-c'"
    export(table, sql, str(tmp_path / "x.csv"))
    _, line, end = (tmp_path / "x.csv").read_bytes().decode().split("\r\n")
    date, moment, *rest = line.split(",")
    assert (date, rest, end) == ("2026-01-02", ["False", "corrupt"], "")
    assert moment.startswith("2026-01-02T")


def test_an_export_replaces_the_old_file_and_leaves_nothing_else(table: ScoreTable, tmp_path: Path) -> None:
    target = tmp_path / "latest.parquet"
    target.write_bytes(b"yesterday's")
    assert export(table, "FROM latest", str(target)) == 2
    assert sorted(pq.read_table(target)["image_id"].to_pylist()) == ["DOE-a", "DOE-b"]
    assert [path.name for path in tmp_path.iterdir()] == ["latest.parquet"]


def test_an_export_that_fails_keeps_the_old_file(table: ScoreTable, tmp_path: Path) -> None:
    target = tmp_path / "latest.parquet"
    target.write_bytes(b"yesterday's")
    with pytest.raises(UsageError, match="the query failed"):
        export(table, "SELECT error('x') FROM latest", str(target))
    assert target.read_bytes() == b"yesterday's" and [path.name for path in tmp_path.iterdir()] == ["latest.parquet"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_given_format_overrides_the_extension(table: ScoreTable, tmp_path: Path, file_format: str) -> None:
    target = tmp_path / "result.txt"
    assert export(table, "SELECT 7 AS n", str(target), file_format) == 1
    starts = {"csv": b"n\r\n7\r\n", "json": b'[\n{"n": 7}\n]\n', "parquet": b"PAR1", "table": b"n\n-\n7\n"}
    assert target.read_bytes().startswith(starts[file_format])


def test_a_result_without_rows_is_a_file_with_its_columns(table: ScoreTable, tmp_path: Path) -> None:
    for name in ("x.csv", "x.parquet"):
        assert export(table, "SELECT image_id, attempt FROM scores WHERE false", str(tmp_path / name)) == 0
    assert (tmp_path / "x.csv").read_bytes() == b"image_id,attempt\r\n"
    assert pq.read_table(tmp_path / "x.parquet").schema.names == ["image_id", "attempt"]


@pytest.mark.parametrize(
    ("sql", "name", "message"),
    [
        ("FROM latest", "x.xlsx", "name the file .csv, .json or .parquet, or give --format"),
        ("FROM latest", "missing/x.csv", "folder .*missing does not exist"),
        ("SELECT nothing FROM latest", "x.csv", "nothing"),
        (" ; ", "x.csv", "returns no rows"),
    ],
)
def test_invalid_exports_are_refused(table: ScoreTable, tmp_path: Path, sql: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        export(table, sql, str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_what_is_no_file_is_never_replaced(table: ScoreTable, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name, kind in (("pipe.csv", "a pipe"), ("folder.csv", "a folder")):
        with pytest.raises(UsageError, match=f"{name}: is {kind}, not a file"):
            export(table, "FROM latest", str(tmp_path / name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "pipe.csv"]


def test_a_result_that_fails_late_keeps_the_old_file(table: ScoreTable, tmp_path: Path) -> None:
    target = tmp_path / "late.csv"
    target.write_bytes(b"yesterday's")
    with pytest.raises(UsageError, match=r"the query failed: .*row 1999999"):
        sql = "SELECT CASE WHEN range = 1999999 THEN error('row 1999999') ELSE range END AS n FROM range(2000000)"
        export(table, sql, str(target))
    assert target.read_bytes() == b"yesterday's" and [path.name for path in tmp_path.iterdir()] == ["late.csv"]


@pytest.mark.parametrize("place", ["_reports/x.csv", "_delta_log/x.csv", "model_id=m-000000000001/x.parquet"])
def test_an_export_among_the_files_of_the_table_is_refused(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "scores"
    commit(folder, [row("a")])
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError, match="among the files of the score table"):
        export(table_in(folder), "FROM scores", str(folder / place))
    assert sorted(folder.rglob("*")) == before
    assert export(table_in(folder), "FROM scores", str(folder / "x.csv")) == 1
