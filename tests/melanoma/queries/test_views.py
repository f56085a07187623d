"""The views of the score table: what is newest, what counts, what failed, and what happened each night."""

import csv
import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from melanoma.errors import UsageError
from melanoma.model.bundle import to_json
from melanoma.queries import views
from melanoma.queries.exports import export
from melanoma.runs.records import COMMITTED, Counts, RunRecord
from melanoma.storage import write_bytes
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import commit, failed, row

OTHER = "m-000000000002"


def at(hours: int) -> dict[str, Any]:
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC) + datetime.timedelta(hours=hours)
    return {"scored_at": moment, "run_date": moment.date()}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = str(tmp_path_factory.mktemp("views") / "scores")
    heals = {"error_kind": "timeout"}
    commit(
        uri,
        [
            row("once", **at(0)),
            row("twice", **at(0)),
            row("twice", image_version="v2", top_label="melanoma", **at(24)),
            row("broke", **at(0)),
            {**failed("broke", image_version="v2", **at(24))},
            row("gone", **at(0)),
            {**failed("gone", image_version="", **at(24)), "error_kind": "missing"},
            {**failed("healed", **at(0)), **heals},
            row("healed", attempt=2, **at(24)),
            {**failed("slow", **at(0)), **heals},
            {**failed("slow", attempt=2, **at(24)), **heals},
            {**failed("slower", attempt=4, **at(72)), **heals},
            row("once", model_id=OTHER, top_label="melanoma", run_id="20260103T000000Z-00000000", **at(1)),
        ],
    )
    return uri


def column(table: str, sql: str, name: str = "image_id") -> list[Any]:
    return [str(value).removeprefix("DOE-") for value in views.query(table_in(table), sql)[name].to_pylist()]


def test_latest_is_the_newest_success_of_each_photograph_and_model(table: str) -> None:
    assert column(table, f"FROM latest WHERE model_id != '{OTHER}' ORDER BY image_id") == [
        *("broke", "gone", "healed", "once", "twice")
    ]
    assert column(table, "SELECT top_label FROM latest WHERE image_id = 'DOE-twice'", "top_label") == ["melanoma"]
    assert column(table, "FROM latest WHERE newer_failed ORDER BY image_id") == ["broke", "gone"]
    assert column(table, "FROM latest WHERE gone") == ["gone"]
    assert "_place" not in views.query(table_in(table), "FROM latest LIMIT 1").column_names


def test_current_is_the_latest_of_the_promoted_model(table: str) -> None:
    assert len(column(table, "FROM current")) == 5
    version = table_in(table).promote(OTHER)
    assert version and column(table, "FROM current") == ["once"]
    table_in(table).promote("m-000000000001")
    assert len(column(table, "FROM current")) == 5


def test_failures_are_what_failed_last_and_when_it_is_tried_again(table: str) -> None:
    found = {found["image_id"]: found for found in views.query(table_in(table), "FROM failures").to_pylist()}
    assert sorted(found) == ["DOE-broke", "DOE-gone", "DOE-slow", "DOE-slower"]
    slow, slower, broke = found["DOE-slow"], found["DOE-slower"], found["DOE-broke"]
    assert (slow["attempts"], slow["may_heal"], str(slow["next_try"])) == (2, True, "2026-01-04")
    assert slow["first_failed_at"] < slow["last_failed_at"] and not slow["scored_before"]
    assert str(slower["next_try"]) == "2026-01-12"
    assert (broke["may_heal"], broke["next_try"], broke["scored_before"]) == (False, None, True)


def test_nights_are_the_records_of_the_runs(tmp_path: Path) -> None:
    uri = str(tmp_path / "scores")
    commit(uri, [row("a")])
    assert views.query(table_in(uri), "FROM nights").num_rows == 0
    record = RunRecord("20260102T030405Z-00000000", "2026-01-02", OTHER, COMMITTED, Counts(5, 3, 2), seconds=2.5)
    write_bytes(layout_of(uri).record(record.run_id), to_json(asdict(record)))
    write_bytes(layout_of(uri).record("damaged"), b"{")
    (night,) = views.query(table_in(uri), "SELECT * FROM Nights").to_pylist()
    assert (night["run_id"], night["scored"], night["failed"], night["seconds"]) == (record.run_id, 3, 2, 2.5)
    assert night["started_at"] == datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert str(night["run_date"]) == "2026-01-02"


FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=cmd|"/c"!A1']


def test_text_that_a_spreadsheet_would_run_is_made_plain_and_numbers_stay_numbers(tmp_path: Path) -> None:
    uri, target = str(tmp_path / "scores"), tmp_path / "answer.csv"
    commit(uri, [row(str(place), error=text) for place, text in enumerate(FORMULAS)])
    texts = "'a\"b,c' || chr(10) || 'd' AS t, NULL AS e"
    sql = f'SELECT error AS "=name", -p_nevus AS n, -0.5 AS d, {texts} FROM scores ORDER BY image_id'  # noqa: S608
    assert export(table_in(uri), sql, str(target)) == len(FORMULAS)
    lines = target.read_bytes().decode().split("\r\n")
    assert lines[0] == "'=name,n,d,t,e"
    assert lines[1] == '\'=1+1,-0.75,-0.5,"a""b,c\nd",'
    assert target.read_bytes().count(b"\r\n") == len(FORMULAS) + 1
    with target.open(newline="", encoding="utf-8") as file:
        assert [record[0] for record in csv.reader(file)][1:] == [f"'{text}" for text in FORMULAS]


def test_an_export_is_one_plain_file_with_the_raw_values(table: str, tmp_path: Path) -> None:
    target = tmp_path / "latest.parquet"
    target.write_bytes(b"yesterday's")
    assert export(table_in(table), "FROM latest", str(target)) == 6
    assert sorted(pq.read_table(target)["image_id"].to_pylist())[0] == "DOE-broke"
    assert [path.name for path in tmp_path.iterdir()] == ["latest.parquet"]


def test_an_export_that_fails_leaves_yesterdays(table: str, tmp_path: Path) -> None:
    target = tmp_path / "latest.parquet"
    target.write_bytes(b"yesterday's")
    with pytest.raises(UsageError, match="cannot be answered"):
        export(table_in(table), "SELECT error('x') FROM latest", str(target))
    assert target.read_bytes() == b"yesterday's" and [path.name for path in tmp_path.iterdir()] == ["latest.parquet"]


@pytest.mark.parametrize(
    ("sql", "name", "complaint"),
    [
        ("FROM latest", "x.xlsx", "csv or parquet"),
        ("FROM latest", "absent/x.csv", "is not there"),
        ("SELECT nothing FROM latest", "x.csv", "nothing"),
    ],
)
def test_what_cannot_be_exported_is_refused(table: str, tmp_path: Path, sql: str, name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        export(table_in(table), sql, str(tmp_path / name))
    assert not list(tmp_path.iterdir())
