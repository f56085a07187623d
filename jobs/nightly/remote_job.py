"""The job of a run on a runner's job server: submitted, watched, cancelled, and waited for until it has ended."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, PortableOptions
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineState

from jobs.nightly import beam_files, flink_rest, job_errors
from jobs.nightly.cluster_defaults import flink_master
from melanoma.errors import MelanomaError, NothingCommittedError

_LOOK_SECONDS, _SURE_LOOKS = 0.5, 3
_CANCEL_SECONDS = 60.0
_MESSAGES_THREAD = "wait_until_finish_read"  # of Beam


class RemoteJob:
    """One job, which may go on after this process has ended."""

    def __init__(
        self, name: str, flink_master: str | None, has_workers_elsewhere: bool, ends_here: bool = False
    ) -> None:
        """Takes what identifies the job; nothing is submitted yet.

        Args:
            name: Name of the job, which no other one has.
            flink_master: Address of Flink's job manager, where Flink is asked and told directly; None for none.
            has_workers_elsewhere: Whether workers may go on after this process has ended.
            ends_here: Whether the job server and all workers end with this process, so that there is nothing to cancel.
        """
        self._ends_here = ends_here
        self._name, self._master, self._elsewhere = name, flink_master, has_workers_elsewhere
        self._result: Any = None
        self._begun, self._submitted, self._over = threading.Event(), threading.Event(), threading.Event()
        self._is_ending = threading.Event()
        self._failure: BaseException | None = None
        self._given_up: MelanomaError | None = None

    def run(self, pipeline: beam.Pipeline) -> None:
        """Submits a pipeline, and waits for its end; may be called again after it has failed.

        Raises:
            Exception: It failed, or was cancelled.
        """
        self._result = self._failure = None
        for event in (self._submitted, self._over):
            event.clear()
        self._begun.set()
        if self._is_ending.is_set():
            self._submitted.set()
            raise NothingCommittedError("the run was stopped before its job was submitted again")
        try:
            with beam_files.removed_after_submission():
                self._result = pipeline.run()
        finally:
            self._submitted.set()
        threading.Thread(target=self._wait, daemon=True, name="job").start()
        with _without_tracebacks_of_messages():
            while not self._over.wait(_LOOK_SECONDS):  # a signal's handler runs in this thread, between two waits
                if self._given_up is not None:
                    raise self._given_up
        if failure := self._given_up or self._failure:
            raise failure

    def _wait(self) -> None:
        try:
            self._result.wait_until_finish()
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits for this one
            self._failure = error
        self._over.set()

    def end_early(self, reason: MelanomaError | None = None) -> None:
        """Cancels the job from another thread; `run` then raises, at the latest after a minute.

        Args:
            reason: What `run` raises; None for what the runner raises.
        """
        self._given_up = self._given_up if reason is None else reason
        if not self.stop(_CANCEL_SECONDS) and not self._over.is_set():
            self._given_up = self._given_up or NothingCommittedError("the job did not end when it was cancelled")

    def stop(self, seconds: float) -> bool:
        """Cancels the job unless it has ended, and waits for its end.

        Args:
            seconds: The longest wait.

        Returns:
            Whether it is certain that no worker goes on after this process.
        """
        self._is_ending.set()
        if self._ends_here or not self._begun.is_set():
            return True
        has_ended = threading.Event()
        until = time.monotonic() + seconds
        thread = threading.Thread(target=self._stop, args=(until, has_ended), daemon=True, name="cancel")
        thread.start()
        thread.join(seconds)
        return has_ended.is_set() or not self._elsewhere

    def _stop(self, until: float, has_ended: threading.Event) -> None:
        self._submitted.wait(max(0.0, until - time.monotonic()))
        if not self._has_ended():
            _tried(self._cancel_at_server)
        looks = 0
        while time.monotonic() < until:
            if self._has_ended():
                looks += 1  # a job that was just submitted comes to Flink some time after its server has been told
                if looks > _SURE_LOOKS:
                    has_ended.set()
                    return
            else:
                looks = 0
                _tried(self._cancel_at_flink)
            time.sleep(_LOOK_SECONDS)

    def _cancel_at_server(self) -> None:
        if self._result is not None:
            self._result.cancel()

    def _cancel_at_flink(self) -> None:
        if self._master is not None:
            flink_rest.cancel(self._master, self._name)

    def _has_ended(self) -> bool | None:
        """Tells whether the job has ended; None where nobody says. Flink itself knows better than its job server."""
        if self._master is not None and self._elsewhere:
            at_flink = _tried(lambda: flink_rest.has_ended(str(self._master), self._name))
            if at_flink is not None:
                return bool(at_flink) and self._submitted.is_set()
        if self._result is None:
            return self._submitted.is_set()
        state = _tried(lambda: self._result.state)
        return None if state is None else bool(PipelineState.is_terminal(state))

    def was_lost(self) -> bool:
        """Tells whether the runner gave the job up, as when a worker machine was lost, and nobody has ended it."""
        if self._is_ending.is_set() or self._result is None:
            return False
        return bool(_tried(lambda: self._result.state) == PipelineState.FAILED)

    def wait(self, seconds: float) -> None:
        """Waits before another attempt; ends as soon as somebody ends the job."""
        self._is_ending.wait(seconds)

    def explained(self, error: Exception) -> Exception:
        """Returns what a runner's own exception means for the operator; one of another kind as it is.

        Args:
            error: What `run` has raised.
        """
        if self._result is None:
            return job_errors.before_submission(error)
        return job_errors.after_submission(error, self._name, str(_tried(lambda: self._result.state) or "unknown"))


@contextlib.contextmanager
def _without_tracebacks_of_messages() -> Iterator[None]:
    """Keeps Beam's thread that reads messages from printing a traceback if its server ends; the command says so."""
    before = threading.excepthook

    def told(args: threading.ExceptHookArgs) -> None:
        if args.thread is None or args.thread.name != _MESSAGES_THREAD:
            before(args)

    threading.excepthook = told
    try:
        yield
    finally:
        threading.excepthook = before


def remote_job(runner: Any, options: PipelineOptions, run_id: str, has_workers_elsewhere: bool) -> RemoteJob | None:
    """Returns the job that a run will have on a runner, and names it in the options; None for a runner in this process.

    Args:
        runner: The runner.
        options: Options for Beam.
        run_id: Id of the run.
        has_workers_elsewhere: Whether workers may go on after this process has ended.
    """
    if not (isinstance(runner, PortableRunner) or has_workers_elsewhere):
        return None
    cloud = options.view_as(GoogleCloudOptions)
    # Jobs are found by this name to cancel them, and so it must not be another one's.
    cloud.job_name = f"{cloud.job_name or 'melanoma'}-{run_id.lower()}"
    ends_here = not has_workers_elsewhere and options.view_as(PortableOptions).job_endpoint in (None, "embed")
    return RemoteJob(str(cloud.job_name), flink_master(options), has_workers_elsewhere, ends_here)


def _tried(call: Callable[[], Any]) -> Any:
    """Returns what a call to a server returns; None if that does not answer."""
    try:
        return call()
    except (grpc.RpcError, flink_rest.FlinkError, OSError, RuntimeError, ValueError, LookupError):
        return None
