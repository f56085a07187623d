"""The view `models` has one row per model, with the name that its newest run states."""

from dataclasses import replace
from pathlib import Path

from melanoma.queries.views import query
from melanoma.runs.records import write_record
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.reports import RECORD
from tests.helpers.score_rows import commit, failed, row

OLD, NEW = "m-000000000001", "m-000000000002"
FIRST, SECOND, THIRD = (f"2026010{day}T030405Z-00000000" for day in (2, 3, 4))


def test_models_are_summarised_by_their_rows_and_runs(tmp_path: Path) -> None:
    commit(tmp_path, [row("a", run_id=FIRST), failed("b", run_id=FIRST)], run_id=FIRST)
    commit(tmp_path, [row("c", run_id=SECOND)], run_id=SECOND)
    commit(tmp_path, [row("a", run_id=THIRD, model_id=NEW)], run_id=THIRD)
    for run_id, name in ((FIRST, "lite0"), (SECOND, "renamed"), (THIRD, "")):
        write_record(layout_of(tmp_path), replace(RECORD, run_id=run_id, model_id=OLD, model_name=name))
    table_in(tmp_path).promote(NEW)
    columns = ("model_id", "name", "rows", "scored", "first_run", "last_run", "is_promoted")
    expected = [(OLD, "renamed", 3, 2, FIRST, SECOND, False), (NEW, None, 1, 1, THIRD, THIRD, True)]
    found = query(table_in(tmp_path), "FROM models ORDER BY model_id").to_pylist()
    assert found == [dict(zip(columns, values, strict=True)) for values in expected]
    assert query(table_in(tmp_path), "SELECT rows FROM models WHERE name = 'renamed'")["rows"].to_pylist() == [3]


def test_the_first_model_counts_where_none_is_promoted(tmp_path: Path) -> None:
    commit(tmp_path, [row("a")])
    assert query(table_in(tmp_path), "SELECT is_promoted FROM models")["is_promoted"].to_pylist() == [True]
