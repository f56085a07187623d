"""Workers that outlive the process that started them keep its heartbeat, and end once the run was stopped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma.errors import NothingCommittedError
from melanoma.runs import heartbeats, recovery, stopped_runs
from melanoma.runs.commit import end_run
from melanoma.runs.digests import PackedDigests
from melanoma.runs.records import write_record
from melanoma.runs.run import Run
from melanoma.runs.run_totals import RunTotals
from melanoma.runs.stopped_runs import look, refuse_if_stopped, unless_stopped
from melanoma.runs.workers import WorkerSettings
from tests.helpers.outputs import layout_of
from tests.helpers.pipeline_runs import committed
from tests.helpers.planned_runs import ref, rows_of, run_on, stage
from tests.melanoma.runs.test_commit import totals


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(stopped_runs, "_last", {})
    return with_workers(run_on(tmp_path))


def with_workers(run: Run) -> Run:
    return replace(run, workers=WorkerSettings(heartbeat=run.run_id, umask=0o027))


def seen(tmp_path: Path, run: Run) -> str:
    path = tmp_path / "_active" / f"{run.run_id}.json"
    return str(json.loads(path.read_text())["seen"])


def test_a_worker_leaves_a_heartbeat_now_and_then(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with heartbeats.beating(layout_of(tmp_path), run.run_id, None, [run.run_id]):
        before = heartbeats.active(run.layout)[0]
        look(run)
        first = seen(tmp_path, run)
        assert first > before.seen
        look(run)
        assert seen(tmp_path, run) == first  # half a minute has not passed
        monkeypatch.setattr(stopped_runs, "_EVERY_SECONDS", 0.0)
        look(run)
        assert seen(tmp_path, run) > first
        assert replace(heartbeats.active(run.layout)[0], seen=before.seen) == before
    look(run)
    assert not (tmp_path / "_active" / f"{run.run_id}.json").exists()  # a run that has ended stays so


def test_a_stopped_run_ends_its_workers_and_is_never_committed(run: Run, tmp_path: Path) -> None:
    chunk = stage(run, 0, rows_of(run, [ref("a")]), scored=1)
    assert list(unless_stopped(run, [])) == []
    assert recovery.record_stop(run, "it was stopped by SIGTERM; the next run resumes it")
    for act in (look, refuse_if_stopped, lambda stopped: list(unless_stopped(stopped, []))):
        with pytest.raises(NothingCommittedError, match=f"run {run.run_id} was stopped; nothing was committed"):
            act(run)
    with pytest.raises(NothingCommittedError, match="was stopped"):
        end_run(run, totals(1), [chunk])
    assert committed(tmp_path) == 0


def test_a_run_that_is_stopped_while_it_commits_leaves_no_row(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = stage(run, 0, rows_of(run, [ref("a")]), scored=1)

    def stop_late(of: Run, batches: object) -> object:
        yield from batches  # type: ignore[attr-defined]
        recovery.record_stop(of)
        yield from unless_stopped(of, [])

    monkeypatch.setattr("melanoma.runs.commit.unless_stopped", stop_late)
    with pytest.raises(NothingCommittedError, match="was stopped"):
        end_run(run, totals(1), [chunk])
    assert committed(tmp_path) == 0
    assert not recovery.has_committed_after_all(run)


def test_a_record_of_a_stop_is_corrected_if_the_run_committed_meanwhile(run: Run, tmp_path: Path) -> None:
    recovery.record_stop(run)
    here = replace(run, workers=None)
    end_run(
        here,
        RunTotals(1, 0, 0, PackedDigests(), totals(1).ignored),
        [stage(here, 0, rows_of(here, [ref("a")]), scored=1)],
    )
    write_record(run.layout, replace(recovery.refused_start("x", None), run_id=run.run_id))
    assert recovery.has_committed_after_all(run)
    record = recovery.record_of_run(run)
    assert record is not None and record.outcome == "committed" and record.counts.scored == 1


def test_a_run_in_this_process_is_not_looked_after(tmp_path: Path) -> None:
    run = run_on(tmp_path)
    recovery.record_stop(run)
    look(run)
    refuse_if_stopped(run)
