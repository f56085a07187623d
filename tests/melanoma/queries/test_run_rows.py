"""The view `nights` has one typed row per run, however complete its record is."""

import datetime
from dataclasses import replace

from melanoma.queries.run_rows import SCHEMA, run_rows
from melanoma.runs.records import COMMITTED, KILLED, Counts, RunRecord
from melanoma.runs.run_history import summary_of

COUNTS = Counts(listed=20, scored=10, failed=3, skipped=4, duplicates=1, deferred=2, ignored=5)
RECORD = RunRecord("20260102T230405Z-00000000", "2026-01-03", "m-1", COMMITTED, COUNTS, table_version=7, seconds=2.5)


def test_a_row_has_the_counts_and_the_start_time_from_the_run_id() -> None:
    content = {"drift": {"bundle": {"judged": True, "columns": {"a": 0.1, "b": 0.3}, "worst": "b"}}}
    (row,) = run_rows([summary_of(RECORD, content)]).to_pylist()
    assert row["started_at"] == datetime.datetime(2026, 1, 2, 23, 4, 5, tzinfo=datetime.UTC)
    assert row["run_date"] == datetime.date(2026, 1, 3)
    assert {name: row[name] for name in Counts.__dataclass_fields__} == vars(COUNTS)
    assert (row["seconds"], row["table_version"], row["warnings"], row["drift"]) == (2.5, 7, 0, 0.3)


def test_a_row_has_the_name_of_the_model_if_it_is_known() -> None:
    rows = run_rows([summary_of(replace(RECORD, model_name="lite0"), {}), summary_of(RECORD, {})])
    assert rows["model_name"].to_pylist() == ["lite0", None] and SCHEMA.names[16:18] == ["model_name", "drift_earlier"]


def test_unknown_values_of_a_killed_run_are_null() -> None:
    record = RunRecord(RECORD.run_id, RECORD.run_date, "m-1", KILLED, Counts())
    (row,) = run_rows([summary_of(record, {})]).to_pylist()
    assert row["outcome"] == "killed" and row["scored"] == 0
    assert row["seconds"] is row["table_version"] is row["drift"] is None


def test_without_runs_the_table_is_empty_but_has_all_columns() -> None:
    assert run_rows([]).schema == SCHEMA
    assert {"run_id", "listed", "drift"} <= set(SCHEMA.names)
