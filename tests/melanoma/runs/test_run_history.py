"""The history of runs: one line a run, made anew from the records wherever the file lacks or damages them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melanoma import storage
from melanoma.runs.records import COMMITTED, KILLED, Counts, RunRecord, write_record
from melanoma.runs.run_history import read_series, summary_of, write_series
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of

EARLIER = ROOT / "tests" / "data" / "version-0.1" / "table"
RECORD = RunRecord(
    "20260102T010000Z-00000000",
    "2026-01-02",
    "m-000000000001",
    COMMITTED,
    Counts(listed=9, scored=5, failed=1, skipped=3, ignored=2),
    table_version=4,
    warnings=("one", "two"),
    seconds=2.5,
)
DRIFT = {"columns": {"p_melanoma": 0.04, "p_nevus": 0.31}, "worst": "p_nevus", "judged": True}


def test_a_summary_keeps_these_figures_of_a_run() -> None:
    assert summary_of(RECORD, {"drift": {"bundle": DRIFT}, "seen": {"n": 5}, "more": 1}) == {
        "run_id": "20260102T010000Z-00000000",
        "run_date": "2026-01-02",
        "model_id": "m-000000000001",
        "outcome": "committed",
        "counts": {
            "listed": 9,
            "scored": 5,
            "failed": 1,
            "skipped": 3,
            "duplicates": 0,
            "deferred": 0,
            "ignored": 2,
            "other_shard": 0,
        },
        "seconds": 2.5,
        "table_version": 4,
        "warnings": 2,
        "drift": 0.31,
        "seen": {"n": 5},
        "model_name": "",
        "verdict": {},
        "drift_earlier": None,
        "shard": "",
    }


@pytest.mark.parametrize(
    "content", [{}, {"drift": {}}, {"drift": {"bundle": {"judged": False, "columns": {}, "reason": "too few"}}}]
)
def test_drift_that_was_not_assessed_is_unknown(content: dict[str, Any]) -> None:
    summary = summary_of(RECORD, content)
    assert summary["drift"] is None and summary["seen"] == {}


def write_runs(folder: Path, count: int) -> list[str]:
    ids = [f"202601{day:02}T010000Z-00000000" for day in range(1, count + 1)]
    for run_id in reversed(ids):
        write_record(layout_of(folder), replace(RECORD, run_id=run_id))
    return ids


def ids_in(folder: Path) -> list[str]:
    return [summary["run_id"] for summary in read_series(layout_of(folder))]


def test_without_an_output_there_is_no_history(tmp_path: Path) -> None:
    assert read_series(layout_of(tmp_path / "nothing")) == []


def test_the_oldest_run_comes_first(tmp_path: Path) -> None:
    ids = write_runs(tmp_path, 4)
    assert ids_in(tmp_path) == ids
    assert read_series(layout_of(tmp_path))[0] == summary_of(replace(RECORD, run_id=ids[0]), {})


def test_what_the_file_knows_is_not_read_again(tmp_path: Path) -> None:
    layout, ids = layout_of(tmp_path), write_runs(tmp_path, 3)
    kept = [{**summary, "seconds": 99.0} for summary in read_series(layout)[:2]]
    write_series(layout, kept)
    assert [summary["seconds"] for summary in read_series(layout)] == [99.0, 99.0, 2.5]
    assert ids_in(tmp_path) == ids


def test_a_run_whose_record_was_removed_is_history_no_more(tmp_path: Path) -> None:
    layout, ids = layout_of(tmp_path), write_runs(tmp_path, 3)
    write_series(layout, read_series(layout))
    storage.remove(layout.record(ids[1]))
    assert ids_in(tmp_path) == [ids[0], ids[2]]


@pytest.mark.parametrize(
    "damaged", [b"", b"\xff", b"{", b"[]\n", b"1\n", b'{"run": 1}\n', b'{"run_id": []}\n', b"null\n"]
)
def test_a_damaged_file_costs_nothing_but_time(tmp_path: Path, damaged: bytes) -> None:
    layout, ids = layout_of(tmp_path), write_runs(tmp_path, 2)
    write_series(layout, read_series(layout))
    whole = storage.read_bytes(layout.series)
    for content in (damaged, whole[:-20], whole + damaged):
        storage.write_bytes(layout.series, content)
        assert ids_in(tmp_path) == ids


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"null", b"1", b'"counts"', b'{"counts": {}, "stages": []}'])
def test_what_is_not_a_record_is_not_history(tmp_path: Path, content: bytes) -> None:
    layout, ids = layout_of(tmp_path), write_runs(tmp_path, 2)
    storage.write_bytes(layout.record("20260109T010000Z-00000000"), content)
    storage.write_bytes(layout.report("20260109T010000Z-00000000"), b"<html>")
    assert ids_in(tmp_path) == ids


@pytest.mark.parametrize("report", [[], 1, "x", {"drift": []}, {"drift": {"bundle": {"judged": True}}}])
def test_a_record_with_a_damaged_report_is_not_history(tmp_path: Path, report: Any) -> None:
    layout, ids = layout_of(tmp_path), write_runs(tmp_path, 2)
    document = json.loads(storage.read_bytes(layout.record(ids[0])))
    storage.write_bytes(layout.record(ids[0]), json.dumps({**document, "report": report}).encode())
    assert ids_in(tmp_path) == ids[1:]


def test_the_file_has_one_line_a_run(tmp_path: Path) -> None:
    layout = layout_of(tmp_path)
    write_runs(tmp_path, 3)
    write_series(layout, read_series(layout))
    lines = (tmp_path / "_reports" / "nights.series").read_text().splitlines()
    assert [json.loads(line) for line in lines] == read_series(layout)
    assert all(" " not in line for line in lines)


def test_the_series_of_an_earlier_version_is_what_its_records_say(tmp_path: Path) -> None:
    shutil.copytree(EARLIER / "_reports", tmp_path / "_reports")
    layout = layout_of(tmp_path)
    before = [json.loads(line) for line in storage.read_bytes(layout.series).splitlines()]
    from_file = read_series(layout)
    assert [summary["outcome"] for summary in from_file] == ["committed"] * 3 + ["nothing_new"]
    later = {"model_name": "", "verdict": {}, "drift_earlier": None, "shard": ""}
    assert from_file == [{**line, **later, "counts": line["counts"] | {"other_shard": 0}} for line in before]
    storage.remove(layout.series)
    assert read_series(layout) == from_file


def test_a_killed_run_is_part_of_the_history(tmp_path: Path) -> None:
    write_record(layout_of(tmp_path), RunRecord(RECORD.run_id, "2026-01-02", "", KILLED, Counts()))
    (summary,) = read_series(layout_of(tmp_path))
    assert (summary["outcome"], summary["seconds"], summary["table_version"]) == ("killed", None, None)
