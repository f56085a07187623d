"""The history of a score table, from the logs that Delta Lake writes."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from melanoma.errors import NothingCommittedError
from melanoma.table.history import Version, version_of
from tests.helpers.outputs import table_in
from tests.helpers.score_rows import commit, failed, row

OTHER = "m-000000000002"


def test_each_kind_of_change_has_its_words(tmp_path: Path) -> None:
    commit(tmp_path, [row("a"), row("b")], run_id="first")
    commit(tmp_path, [failed("c", model_id=OTHER)], run_id="second")
    table_in(tmp_path).promote(OTHER)
    table_in(tmp_path).delete_model("m-000000000001")
    commit(tmp_path, [failed("d", model_id=OTHER)], run_id="third")
    table_in(tmp_path).compact()
    table_in(tmp_path).rewrite_without(pa.array(["file:///archive/DOE-d.jpg"]))
    DeltaTable(str(tmp_path)).vacuum(0, dry_run=False, enforce_retention_duration=False)
    found = [(version.number, version.what, version.run_id, version.rows) for version in table_in(tmp_path).history()]
    assert found[::-1] == [
        (0, "made", "", None),
        (1, "night", "first", 2),
        (2, "night", "second", 1),
        (3, f"promoted {OTHER}", "", None),
        (4, "deleted model_id = 'm-000000000001'", "", None),
        (5, "night", "third", 1),
        (6, "compacted", "", None),
        (7, "forgotten", "", None),
        (8, "clean-up began", "", None),
        (9, "cleaned up", "", None),
    ]


def test_versions_have_the_time_of_their_commit(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    newest, oldest = table_in(tmp_path).history()
    log = tmp_path / "_delta_log" / f"{1:020}.json"
    assert newest.moment >= oldest.moment
    assert abs(newest.moment - log.stat().st_mtime * 1000) < 5000


@pytest.mark.parametrize(
    ("entry", "what", "rows"),
    [
        ({"operation": "WRITE"}, "rewritten", None),
        ({"operation": "WRITE", "run_id": "r"}, "night", None),
        ({"operation": "WRITE", "run_id": "r", "operationMetrics": {"num_added_rows": "0"}}, "night", 0),
        ({"operation": "DELETE"}, "deleted ", None),
        ({"operation": "RESTORE"}, "restore", None),
        ({}, "", None),
    ],
)
def test_entries_of_other_writers_are_described_as_far_as_they_go(
    entry: dict[str, object], what: str, rows: int | None
) -> None:
    version = version_of({"version": 3, "timestamp": 17, **entry})
    assert version == Version(3, 17, what, str(entry.get("run_id", "")), rows)


@pytest.mark.parametrize(("model", "of_model"), [(None, ""), ("m-000000000001", " of m-000000000001")])
def test_a_deletion_by_age_says_which_runs_it_concerned(tmp_path: Path, model: str | None, of_model: str) -> None:
    old = datetime.date(2024, 1, 1)
    commit(tmp_path, [row("a"), row("b", run_date=old)])
    table_in(tmp_path).delete_before(datetime.date(2025, 1, 1), model)
    assert table_in(tmp_path).history()[0].what == f"deleted rows{of_model} of runs before 2025-01-01"


@pytest.mark.parametrize(
    "entry",
    [
        {"version": 3, "timestamp": "soon", "run_id": 5, "operation": 7, "operationParameters": "x"},
        {"version": 3},
        {"version": 3, "operationMetrics": [], "run_id": ["a"], "operation": None},
        {"version": 3, "operation": "SET TBLPROPERTIES", "operationParameters": {"properties": 5}},
    ],
)
def test_an_entry_of_another_program_may_state_anything(entry: dict[str, Any]) -> None:
    found = version_of(entry)
    assert (found.number, found.moment, found.run_id, found.rows) == (3, 0, "", None)


def test_a_damaged_log_is_told_in_one_line(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")], run_id="first")
    table = table_in(tmp_path)
    (tmp_path / "_delta_log" / f"{0:020}.json").write_text('{"SECRET": 1}')
    with pytest.raises(NothingCommittedError, match="the score table cannot be opened") as caught:
        table.history()
    assert "SECRET" not in str(caught.value)
