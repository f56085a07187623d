"""A launch: alone on its output, with errors that keep their identity, and with its upkeep."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cli import parse
from jobs.console.exit_codes import DEFECT, NOTHING_COMMITTED, WRONG_USAGE, exit_code_of
from jobs.nightly import launch, local_workers
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan, prepare
from melanoma.errors import BundleError, MelanomaError, NothingCommittedError, PhotographError
from melanoma.images import decoder_pool
from melanoma.ingest.roots import Root
from melanoma.runs import heartbeats
from melanoma.runs.heartbeats import Heartbeat
from melanoma.runs.records import COMMITTED, NOTHING_NEW, STOPPED, Counts, RunRecord, write_record
from melanoma.runs.run import ModelRun
from melanoma.runs.stored_records import read_record
from tests.helpers import fill
from tests.helpers.broken_sources import BrokenRoot, DeadlyRoot, SabotagingRoot
from tests.helpers.bundles import describe, document_of
from tests.helpers.model_runs import commit_scores, model_run
from tests.helpers.outputs import layout_of

TWO_WORKERS = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
MESSAGE = "found [while running 'x'], expected y; melanoma.errors.BundleError: do z"
CODES = {
    "UsageError": WRONG_USAGE,
    "BundleError": WRONG_USAGE,
    "DataError": WRONG_USAGE,
    "NothingCommittedError": NOTHING_COMMITTED,
    "ReadError": NOTHING_COMMITTED,
    "ImageError": NOTHING_COMMITTED,
    "a fault of the program": DEFECT,
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends workers that Beam waits for in vain after seconds: on a busy machine a run may fail before both connect."""
    monkeypatch.setattr(local_workers, "_PATIENCE_SECONDS", 5.0)


@pytest.fixture
def no_decoders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has no decoders yet; those that a test starts end with it."""
    monkeypatch.setattr(decoder_pool, "_pool", None)
    yield
    if decoder_pool._pool is not None:
        decoder_pool._pool.close()


def every_subclass(kind: type) -> set[type]:
    return {kind}.union(*(every_subclass(below) for below in kind.__subclasses__()))


def plan_with(tmp_path: Path, bundle_uri: str, name: str, workers: tuple[str, ...]) -> tuple[RunPlan, NightlyOptions]:
    """Plans a run over a folder, and replaces the folder by a source that raises in the worker."""
    fill(tmp_path / "in", 1)
    words = ["score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    options = NightlyOptions.from_command_line(parse(words).args, workers)
    broken = BrokenRoot(str(tmp_path / "in"), pattern=name, base=MESSAGE)
    return replace(prepare(options), sources=(broken,)), options


def test_the_table_of_codes_names_every_error_class() -> None:
    own = every_subclass(MelanomaError) | every_subclass(PhotographError)
    raised = {kind.__name__ for kind in own} - {"MelanomaError", "PhotographError"}
    assert raised == set(CODES) - {"a fault of the program"}


@pytest.mark.parametrize("workers", [(), TWO_WORKERS], ids=["in this process", "two worker processes"])
@pytest.mark.parametrize("name", CODES)
def test_an_error_in_a_worker_keeps_its_class_message_and_exit_code(
    name: str, workers: tuple[str, ...], tmp_path: Path, bundle_uri: str
) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, name, workers)
    with pytest.raises(Exception) as raised:
        launch.run_pipeline(plan, options)
    assert exit_code_of(raised.value) == CODES[name]
    text = str(raised.value)
    if CODES[name] != DEFECT:
        process = int(re.search(r"\(process (\d+)\)", text)[1])  # type: ignore[index]
        assert (process == os.getpid()) is not bool(workers)
        message = f"{MESSAGE} (process {process})"
        if name in ("ReadError", "ImageError"):
            assert text == f"the store failed: timeout: {message}; nothing was committed"
        else:
            assert (type(raised.value).__name__, text) == (name, message)


def test_a_bundle_that_changes_during_the_run_ends_it_with_the_code_of_a_bundle(
    tmp_path: Path, bundle_uri: str
) -> None:
    folder = shutil.copytree(bundle_uri, tmp_path / "bundle")
    plan, options = plan_with(tmp_path, str(folder), "", ())
    (folder / "card.md").write_text("# Another card\n")
    describe(folder, document_of(folder))
    with pytest.raises(BundleError, match="it has digest") as raised:
        launch.run_pipeline(replace(plan, sources=(Root(str(tmp_path / "in")),)), options)
    assert exit_code_of(raised.value) == WRONG_USAGE


@pytest.mark.parametrize("workers", [(), TWO_WORKERS], ids=["in this process", "two worker processes"])
def test_an_output_that_refuses_every_file_ends_the_run_with_the_code_to_try_again(
    tmp_path: Path, bundle_uri: str, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, "", workers)
    scratch = [Path(run.scratch) for run in plan.runs]
    source = SabotagingRoot(str(tmp_path / "in"), base=str(tmp_path / "out" / "_staging"))
    with pytest.raises(NothingCommittedError, match="cannot be written") as raised:
        launch.run_pipeline(replace(plan, sources=(source,)), options)
    assert exit_code_of(raised.value) == NOTHING_COMMITTED
    assert "while running" not in str(raised.value)
    assert not any(folder.exists() for folder in scratch)


def test_a_worker_process_that_is_killed_ends_the_run_with_the_code_to_try_again(
    tmp_path: Path, bundle_uri: str, no_decoders: None
) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, "", TWO_WORKERS)
    source = DeadlyRoot(str(tmp_path / "in"), base=str(os.getpid()))
    with pytest.raises(NothingCommittedError, match=r"a worker process died.*nothing was committed") as raised:
        launch.run_pipeline(replace(plan, sources=(source,)), options)
    assert exit_code_of(raised.value) == NOTHING_COMMITTED
    assert decoder_pool._pool is None  # only the workers decode


def test_decoders_start_early_in_the_process_that_decodes(tmp_path: Path, bundle_uri: str, no_decoders: None) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, "UsageError", ())
    with pytest.raises(MelanomaError):
        launch.run_pipeline(plan, options)  # ends before the first photograph
    assert decoder_pool._pool is not None


def record(run_id: str, model_id: str, outcome: str = COMMITTED) -> RunRecord:
    return RunRecord(run_id, "2026-01-02", model_id, outcome, Counts())


@pytest.fixture
def model(tmp_path: Path, bundle_uri: str) -> ModelRun:
    return model_run(tmp_path / "out", bundle_uri)


def test_other_starts_are_kept_away_during_the_block_only(model: ModelRun) -> None:
    plan = RunPlan((model,), (), ())
    later = replace(model, run=replace(model.run, run_id="20260103T030405Z-00000000"))
    with launch.exclusive(plan):
        assert [beat.run_id for beat in heartbeats.active(plan.layout)] == [model.run.run_id]
        with (
            pytest.raises(NothingCommittedError, match=f"{model.run.run_id} is active"),
            launch.exclusive(RunPlan((later,), (), ())),
        ):
            raise AssertionError("two runs are active on one output")
    assert heartbeats.active(plan.layout) == []


@pytest.mark.parametrize("dead", ["20260101T030405Z-00000000", "20260101T030405Z-vacuum"])
def test_a_killed_run_gets_a_record_and_other_dead_work_only_loses_its_heartbeat(
    model: ModelRun, tmp_path: Path, dead: str
) -> None:
    path = tmp_path / "out" / "_active" / f"{dead}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(Heartbeat(dead, "2026-01-01T03:04:05+00:00", "elsewhere", 1, "").to_json())
    with launch.exclusive(RunPlan((model,), (), ())):
        assert not path.exists()
    recorded = [found.stem for found in (tmp_path / "out").glob("_reports/*.json")]
    assert recorded == ([dead] if dead.endswith("-00000000") else [])


def test_records_so_far_are_those_that_can_be_read(model: ModelRun) -> None:
    other = replace(model, run=replace(model.run, run_id="20260103T030405Z-00000000"))
    plan = RunPlan((model, other), (), ())
    assert launch.records_so_far(plan) == []
    found = record(model.run.run_id, model.run.model_id)
    write_record(plan.layout, found)
    assert launch.records_so_far(plan) == [found]


def test_an_early_end_is_recorded_for_every_run_that_has_not_ended(model: ModelRun) -> None:
    other = replace(model, run=replace(model.run, run_id="20260103T030405Z-00000000"))
    commit_scores(model, {"a": (0.2, 0.3, 0.5)})
    launch.record_early_end(RunPlan((model, other), (), ()), "the disk is full")
    committed, stopped = read_record(model.run), read_record(other.run)
    assert committed is not None and committed.outcome == COMMITTED
    assert stopped is not None and (stopped.outcome, stopped.reason) == (STOPPED, "the disk is full")


def test_an_output_that_takes_no_record_hides_no_error(model: ModelRun, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    launch.record_early_end(RunPlan((model,), (), ()), "")
    assert launch.records_so_far(RunPlan((model,), (), ())) == []


def test_a_commit_that_another_writer_has_overwritten_is_told(model: ModelRun, tmp_path: Path) -> None:
    record = commit_scores(model, {"a": (0.1, 0.2, 0.7)})
    launch.confirm([record], model.run.layout)
    log = tmp_path / "out" / "_delta_log"
    newest = max(log.glob("*.json"))
    newest.write_text(newest.read_text().replace(model.run.run_id, f"{model.run.run_id[:-1]}1"))
    with pytest.raises(NothingCommittedError, match="overwritten the commit of this run") as caught:
        launch.confirm([record], model.run.layout)
    told = read_record(model.run)
    assert exit_code_of(caught.value) == NOTHING_COMMITTED and told is not None and told.outcome == STOPPED


def test_small_files_are_merged_after_a_commit_and_a_failure_is_a_warning(model: ModelRun, tmp_path: Path) -> None:
    commit_scores(model, {"a": (0.2, 0.3, 0.5)})
    layout = layout_of(tmp_path / "out")
    assert launch.compact([record("r", model.run.model_id)], layout) == []
    for log in (tmp_path / "out" / "_delta_log").glob("*.json"):
        log.write_text("damaged")
    assert launch.compact([record("r", model.run.model_id, NOTHING_NEW)], layout) == []
    (warning,) = launch.compact([record("r", model.run.model_id)], layout)
    assert warning.startswith("small files could not be merged, the next run tries again: ")


def test_a_runner_that_returns_without_a_commit_is_an_error(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, options = plan_with(tmp_path, bundle_uri, "", ())
    plan = replace(plan, sources=(Root(str(tmp_path / "in")),))
    monkeypatch.setattr("apache_beam.Pipeline.run", lambda self, *_, **__: Finished())
    with pytest.raises(NothingCommittedError, match="the runner returned without committing; choose another one"):
        launch.run_pipeline(plan, options)


class Finished:
    """The result of a runner that has done nothing."""

    def wait_until_finish(self) -> str:
        return "DONE"
