"""Runs the pipeline of a nightly run, in this process or on a cluster, and finds what ended it early."""

import contextlib
import datetime
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jobs.console import lines
from jobs.nightly import local_workers, stopping
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan
from jobs.nightly.stopping import Stop
from melanoma.errors import MelanomaError, NothingCommittedError, PhotographError, UsageError
from melanoma.images.decoder_pool import decoders
from melanoma.imports import without_collections
from melanoma.machine import share_threads
from melanoma.runs import failures, recovery
from melanoma.runs.run import Run
from melanoma.wording import counted

if TYPE_CHECKING:
    import apache_beam as beam

    from jobs.nightly.remote_job import RemoteJob

_CANCEL_SECONDS = 60.0
_LOOK_SECONDS = 5.0  # each look asks the output's store
_AFTER_DEADLINE = datetime.timedelta(minutes=5)  # in which the workers defer what is left, and the rest is committed


def import_libraries(plan: RunPlan) -> None:
    """Imports Beam, which takes most of the start-up; what runs the networks is loaded for the first photograph."""
    if plan.cluster is None or plan.cluster.is_this_process:
        decoders()  # they load their libraries while this process loads its own
    with without_collections():
        import pipelines.scoring  # noqa: F401


def _has_workers_elsewhere(plan: RunPlan) -> bool:
    return plan.cluster is not None and plan.cluster.settings is not None


class PipelineRun:
    """The pipeline of one nightly run.

    Attributes:
        is_outlived: Whether workers may go on after this process has ended.
    """

    def __init__(self, plan: RunPlan, options: NightlyOptions) -> None:
        """Chooses the runner; nothing is started yet.

        Args:
            plan: Plan of the nightly run.
            options: Command line.
        """
        from jobs.nightly.beam_options import parse_beam_options
        from jobs.nightly.remote_job import remote_job
        from jobs.nightly.runners import runner_for, worker_count

        self.is_outlived = _has_workers_elsewhere(plan)
        self._runs, self._beam_options = plan.runs, parse_beam_options(options.beam_options)
        self._runner = runner_for(self._beam_options)
        self._workers = plan.cluster.workers if plan.cluster else worker_count(self._beam_options)
        self._job = remote_job(self._runner, self._beam_options, self._runs[0].run_id, self.is_outlived)
        self._build = self._builder(plan, options)

    def _builder(self, plan: RunPlan, options: NightlyOptions) -> "Callable[[], beam.Pipeline]":
        import apache_beam as beam

        from pipelines.scoring import ScoreImages

        def build() -> beam.Pipeline:
            size = (options.batch_size, options.chunk_size, options.limit)
            transform = ScoreImages(
                plan.models, *size, self._workers, self.is_outlived, options.engine, options.wave_size
            )
            try:
                pipeline = beam.Pipeline(runner=self._runner, options=self._beam_options)
            except ValueError as error:  # what only this runner wants of its options
                raise UsageError(f"options for Beam: {' '.join(str(error).split())}") from None
            _ = pipeline | "Sources" >> beam.Create(list(plan.sources), reshuffle=False) | "Score" >> transform
            return pipeline

        return build

    def run(self, tell_stop: Callable[[Stop], object]) -> None:
        """Scores and commits.

        Args:
            tell_stop: Publishes that a signal has stopped the run, just before the process ends.

        Raises:
            Exception: The run ended early.
        """
        with stopping.stop_on_signals(self._runs, tell_stop, self._job):
            if self._job is None:
                self._run_here()
            else:
                self._run_as_job(self._job)

    def _run_here(self) -> None:
        # Several processes with as many threads each as there are cores slow each other down.
        share_threads(self._workers)
        has_failed = partial(failures.is_recorded, self._runs)
        watching = local_workers.ended_after(has_failed) if self._workers > 1 else contextlib.nullcontext()
        with local_workers.told_of_death(has_failed), watching:
            self._build().run().wait_until_finish()

    def _run_as_job(self, job: "RemoteJob") -> None:
        from jobs.nightly.job_servers import stop_server

        try:
            self._attempt(job)
        finally:
            stop_server(self._runner)

    def _attempt(self, job: "RemoteJob") -> None:
        """Runs the job, and again if the cluster loses it; what is staged then is not scored again."""
        from jobs.nightly.cluster_defaults import attempts_after_a_loss

        left = attempts_after_a_loss(self._beam_options)
        while True:
            try:
                with watched(self._runs, job):
                    job.run(self._build())
                return
            except RuntimeError:
                if left.number == 0 or not job.was_lost() or failures.is_recorded(self._runs):
                    raise
            lines.warn([f"the cluster has lost the job; {counted(left.number, 'new attempt')} left"])
            left = replace(left, number=left.number - 1)
            job.wait(left.delay)

    def cause_of(self, error: Exception) -> Exception:
        """Returns what ended the run early, as far as it is known.

        Args:
            error: What `run` has raised.
        """
        is_recorded = failures.is_recorded(self._runs)
        cause = failures.cause_of(self._runs, error)
        return self._job.explained(error) if self._job is not None and cause is error and not is_recorded else cause

    def settled(self, cause: Exception) -> Exception:
        """Ends what goes on elsewhere after an error, and adds to it what became of that.

        Args:
            cause: What ended the run. Its record is written already, so that no worker commits any more.
        """
        if self._job is None:
            return cause
        is_certain = self._job.stop(_CANCEL_SECONDS)
        added = [f"run {run_id} had committed before" for run_id in self._committed()] if self.is_outlived else []
        if self.is_outlived and not added and "nothing was committed" not in str(cause):
            added = ["nothing was committed"] if is_certain else [stopping.UNCERTAIN]
        if not added or not isinstance(cause, MelanomaError):
            return cause
        return type(cause)("; ".join([str(cause), *added]))

    def _committed(self) -> list[str]:
        with contextlib.suppress(MelanomaError, PhotographError):
            return [run.run_id for run in self._runs if recovery.has_committed_after_all(run)]
        return []


@contextlib.contextmanager
def watched(runs: Sequence[Run], job: "RemoteJob") -> Iterator[None]:
    """Ends a job early while the block runs: at an error of ours, which no new attempt changes, and when it is late.

    Args:
        runs: Runs of the models.
        job: Their job.
    """
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(runs, job, done), daemon=True, name="job-watch")
    watch.start()
    try:
        yield
    finally:
        done.set()


def _watch(runs: Sequence[Run], job: "RemoteJob", done: threading.Event) -> None:
    ends = None if runs[0].deadline is None else runs[0].deadline + _AFTER_DEADLINE
    while not done.wait(_LOOK_SECONDS):
        if failures.is_own_recorded(runs):
            job.end_early()
            return
        if ends is not None and datetime.datetime.now(datetime.UTC) >= ends:
            minutes = _AFTER_DEADLINE // datetime.timedelta(minutes=1)
            job.end_early(
                NothingCommittedError(
                    f"the cluster had not ended {minutes} minutes after --stop-at or --max-time, and the job was "
                    "cancelled; what is scored stays staged, start again"
                )
            )
            return
