"""Records of runs that did not end by themselves: what the table tells of them counts."""

import datetime
import time
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma import storage
from melanoma.errors import ErrorKind, NothingCommittedError
from melanoma.ids import RUN_ID
from melanoma.runs import recovery, staging
from melanoma.runs.records import COMMITTED, KILLED, REFUSED, STOPPED, Counts, RunRecord, write_record
from melanoma.runs.run import Run
from melanoma.runs.run_history import read_series, write_series
from melanoma.runs.stored_records import read_record
from tests.helpers.outputs import layout_of
from tests.helpers.planned_runs import MODEL, commit, ref, rows_of, run_on


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_on(tmp_path)


def committed_record(run: Run) -> RunRecord:
    """Commits three rows of a run, and returns the record that can be made from them."""
    version = commit(run, rows_of(run, [ref("a"), ref("b")], {ref("c"): ErrorKind.MISSING}))
    return RunRecord(
        run.run_id,
        run.run_date.isoformat(),
        run.model_id,
        COMMITTED,
        Counts(listed=3, scored=2, failed=1),
        table_version=version,
        failures={"missing": 1},
        classes={"nevus": 2},
        warnings=("the run was ended after its commit: its listing and its duration are not known",),
    )


def test_a_run_that_is_stopped_leaves_a_record_with_its_reason(run: Run) -> None:
    assert recovery.record_stop(run, "the store was down")
    assert read_record(run) == RunRecord(
        run.run_id, "2026-01-02", MODEL, STOPPED, Counts(), reason="the store was down"
    )


def test_a_run_that_has_ended_keeps_its_record(run: Run) -> None:
    ended = RunRecord(run.run_id, "2026-01-02", MODEL, "nothing_new", Counts(listed=1, skipped=1))
    write_record(run.layout, ended)
    assert not recovery.record_stop(run, "too late")
    recovery.record_death(run.layout, run.run_id)
    assert read_record(run) == ended


def test_a_run_that_has_committed_was_not_stopped_and_its_record_is_made(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_COMMIT_TO_RECORD_SECONDS", 0.0)
    expected = committed_record(run)
    assert not recovery.record_stop(run) and read_record(run) == expected


def test_the_record_that_a_committed_run_writes_itself_is_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(committed_record(run), warnings=(), seconds=12.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: write_record(run.layout, own))
    assert not recovery.record_stop(run) and read_record(run) == own


def test_the_record_of_a_commit_that_left_none_is_restored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recovery.restore(run.layout) == []  # there is no table
    expected = committed_record(run)
    assert recovery.restore(run.layout) == [run.run_id] and read_record(run) == expected
    assert recovery.restore(run.layout) == []


def test_a_refusal_is_told_from_a_stop(run: Run) -> None:
    assert recovery.record_stop(run, "the store has moved", REFUSED)
    found = read_record(run)
    assert found is not None and (found.outcome, found.reason) == ("refused", "the store has moved")


def test_a_refused_start_has_a_record_of_its_own(run: Run) -> None:
    record = recovery.refused_start("no such bundle", datetime.date(2026, 1, 2))
    assert RUN_ID.fullmatch(record.run_id) and record.run_date == "2026-01-02"
    assert (record.outcome, record.model_id, record.reason) == ("refused", "", "no such bundle")
    assert not recovery.has_records(run.layout)
    write_record(run.layout, record)
    assert recovery.has_records(run.layout)


def test_a_stop_that_cannot_be_recorded_is_reported(tmp_path: Path, run: Run) -> None:
    (tmp_path / "_reports").write_text("a file where the folder should be")
    with pytest.raises(NothingCommittedError):
        recovery.record_stop(run)


def test_a_run_that_died_before_its_commit_was_killed(run: Run) -> None:
    recovery.record_death(run.layout, run.run_id)
    local = datetime.datetime(2026, 1, 2, 1, tzinfo=datetime.UTC).astimezone().date().isoformat()
    assert read_record(run) == RunRecord(run.run_id, local, "", KILLED, Counts())


def test_a_run_that_died_after_its_commit_has_committed(run: Run) -> None:
    expected = committed_record(run)
    assert "was killed after its commit" in recovery.record_death(run.layout, run.run_id)
    found = read_record(run)
    assert found == expected and found.counts.add_up


def staged_by(run: Run) -> list[str]:
    staging.prepare(run.layout)
    staging.write_chunk(run, 0, rows_of(run, [ref("a")]))
    assert staging.staged_files(run)
    return staging.staged_files(run)


@pytest.mark.parametrize("has_record", [True, False])
def test_what_a_committed_run_left_staged_is_removed(run: Run, has_record: bool) -> None:
    expected = committed_record(run)
    staged_by(run)
    if has_record:
        write_record(run.layout, expected)
    recovery.record_death(run.layout, run.run_id)
    assert not staging.staged_files(run) and read_record(run) == expected


@pytest.mark.parametrize("outcome", [STOPPED, None])
def test_what_a_run_staged_that_did_not_commit_is_kept_for_the_next_one(run: Run, outcome: str | None) -> None:
    staged = staged_by(run)
    if outcome:
        write_record(run.layout, RunRecord(run.run_id, "2026-01-02", MODEL, outcome, Counts()))
    recovery.record_death(run.layout, run.run_id)
    assert staging.staged_files(run) == staged


def test_the_date_is_that_of_the_rows_and_not_of_the_start(tmp_path: Path) -> None:
    run = run_on(tmp_path, day=4, run_id="20260102T010000Z-00000000")
    commit(run, rows_of(run, [ref("a")]))
    recovery.record_death(run.layout, run.run_id)
    found = read_record(run)
    assert found is not None and found.run_date == "2026-01-06"


def test_other_runs_rows_do_not_count(tmp_path: Path, run: Run) -> None:
    commit(run, rows_of(run, [ref("x"), ref("y")]))
    later = run_on(tmp_path, day=1)
    expected = committed_record(later)
    recovery.record_death(later.layout, later.run_id)
    assert read_record(later) == expected


@pytest.mark.parametrize("outcome", [STOPPED, KILLED])
def test_a_record_is_corrected_where_the_commit_went_through_after_it(run: Run, outcome: str) -> None:
    """The process was ended, but what it had asked of the store was done all the same."""
    write_record(run.layout, RunRecord(run.run_id, "2026-01-02", "", outcome, Counts()))
    write_series(run.layout, read_series(run.layout))
    storage.write_bytes(run.layout.report(run.run_id), b"<html>nothing was committed</html>")
    expected = committed_record(run)
    recovery.correct(run.layout)
    assert read_record(run) == expected
    assert [summary["outcome"] for summary in read_series(run.layout)] == ["committed"]
    assert not storage.exists(run.layout.report(run.run_id)), "the next run writes it again"


def test_a_record_that_is_right_is_left_alone(tmp_path: Path, run: Run) -> None:
    expected = committed_record(run)
    write_record(run.layout, replace(expected, seconds=3.0))
    stopped = run_on(tmp_path, day=1)
    recovery.record_stop(stopped, "stopped")
    write_series(run.layout, read_series(run.layout))
    storage.write_bytes(run.layout.report(stopped.run_id), b"<html>")
    before = {path: path.read_bytes() for path in (tmp_path / "_reports").iterdir()}
    recovery.correct(run.layout)
    assert {path: path.read_bytes() for path in (tmp_path / "_reports").iterdir()} == before
    assert len(before) == 4


def test_of_several_doubtful_records_only_the_wrong_ones_are_corrected(tmp_path: Path) -> None:
    runs = [run_on(tmp_path, day) for day in range(4)]
    for stopped in runs:
        recovery.record_stop(stopped)
    for day in (1, 3):
        commit(run_on(tmp_path, day), rows_of(runs[day], [ref(str(day))]))
    write_series(layout_of(tmp_path), read_series(layout_of(tmp_path)))
    recovery.correct(layout_of(tmp_path))
    outcomes = [summary["outcome"] for summary in read_series(layout_of(tmp_path))]
    assert outcomes == ["stopped", "committed", "stopped", "committed"]


def test_only_the_last_five_runs_are_looked_at(tmp_path: Path) -> None:
    runs = [run_on(tmp_path, day) for day in range(6)]
    for stopped in runs:
        recovery.record_stop(stopped)
    for day in (0, 1):
        commit(run_on(tmp_path, day), rows_of(runs[day], [ref(str(day))]))
    recovery.correct(layout_of(tmp_path))
    outcomes = [summary["outcome"] for summary in read_series(layout_of(tmp_path))]
    assert outcomes == ["stopped", "committed", "stopped", "stopped", "stopped", "stopped"]


def test_without_any_run_there_is_nothing_to_correct(tmp_path: Path) -> None:
    recovery.correct(layout_of(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
