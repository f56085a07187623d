"""SIGTERM, its like and Ctrl-C while a run scores: it ends within seconds and says how to resume."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

from jobs.console import lines
from jobs.console.exit_codes import INTERRUPTED, NOTHING_COMMITTED
from jobs.console.sigterm import Terminated, heeded
from melanoma.errors import MelanomaError, PhotographError
from melanoma.runs import heartbeats, recovery, staging
from melanoma.runs.run import Run

_MAX_SECONDS = 25.0  # Kubernetes kills after 30
_RECORD_SECONDS, _CANCEL_SECONDS, _LOOK_SECONDS = 8.0, 8.0, 4.0
UNCERTAIN = (
    "the job was told to end, but whether it has is not known; its workers commit nothing once they see that the run "
    "was stopped. The next run, or melanoma table history, shows whether they had committed before"
)


class Job(Protocol):
    """The job of a run, which may go on elsewhere."""

    def stop(self, seconds: float) -> bool:
        """Cancels it and waits so long for its end; returns whether it is certain that nothing of it goes on."""


@dataclass(frozen=True)
class Stop:
    """A stop by a signal.

    Attributes:
        exit_code: Exit code of the process.
        reason: What stopped the run and what comes next.
    """

    exit_code: int
    reason: str


_STOPS = {
    signal.SIGTERM: Stop(NOTHING_COMMITTED, "it was stopped by SIGTERM; the next run resumes it"),
    signal.SIGHUP: Stop(
        NOTHING_COMMITTED, "it was stopped by SIGHUP, because its terminal closed; the next run resumes it"
    ),
    signal.SIGXCPU: Stop(
        NOTHING_COMMITTED, "it was stopped by its limit of processor time (ulimit -t); the next run resumes it"
    ),
    signal.SIGINT: Stop(INTERRUPTED, "it was stopped by Ctrl-C; the next run resumes it"),
}


def tell_nobody(stop: Stop) -> None:
    """Publishes nothing about a stop."""


def stop_of(interrupt: KeyboardInterrupt) -> Stop:
    """Returns the stop that an interrupt outside of the pipeline stands for."""
    return _STOPS[interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT]


@contextlib.contextmanager
def stop_on_signals(
    runs: Sequence[Run], tell: Callable[[Stop], object] = tell_nobody, job: Job | None = None
) -> Iterator[None]:
    """Lets the signals end the process while the block runs, whatever its threads are waiting for.

    Staged results stay staged. Nothing more is committed. If all runs have committed already, they come to their end
    instead. A second signal ends the process at once. Does nothing outside the main thread, where Python handles no
    signals.

    Args:
        runs: Runs of the models, the one with the heartbeat first.
        tell: Publishes the stop.
        job: Cancelled before that; None for work that ends with this process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_stopping = threading.Event()

    def stop_in_thread(stop: Stop) -> None:
        if not _stop(runs, stop, tell, job):
            is_stopping.clear()

    def handle(number: int, _: FrameType | None) -> None:
        stop = _STOPS[signal.Signals(number)]
        if is_stopping.is_set():
            os._exit(stop.exit_code)
        is_stopping.set()
        # In a thread of its own: the interrupted line may hold a lock that the store's library needs.
        threading.Thread(target=stop_in_thread, args=(stop,), daemon=True, name="stop").start()

    before = {number: signal.signal(number, handle) for number in (*heeded(), signal.SIGINT)}
    try:
        yield
    finally:
        while is_stopping.is_set():  # the block ended in the meantime; the other thread ends the process
            time.sleep(0.1)
        for number, handler in before.items():
            signal.signal(number, handler)


def within(seconds: float, action: Callable[[], object]) -> None:
    """Calls a function and waits for its end for a limited time; a store may never answer."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)


@dataclass
class _Account:
    """What became of the runs that are being stopped, by their ids.

    Attributes:
        ended: Runs that had ended before.
        stopped: Runs whose record says now that they were stopped.
        staged: Files that they have staged.
    """

    ended: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)

    def record(self, runs: Sequence[Run], reason: str) -> None:
        """Writes the records, which also keep workers elsewhere from committing."""
        with contextlib.suppress(MelanomaError, PhotographError):
            for run in runs:
                self.staged.extend(staging.staged_files(run))
                (self.stopped if recovery.record_stop(run, reason) else self.ended).append(run.run_id)
            if self.stopped:
                heartbeats.remove(runs[0].layout, runs[0].run_id)

    def look_again(self, runs: Sequence[Run]) -> None:
        """Looks whether a run has committed while it was being stopped."""
        with contextlib.suppress(MelanomaError, PhotographError):
            for run in runs:
                if run.run_id in self.stopped and recovery.has_committed_after_all(run):
                    self.stopped.remove(run.run_id)
                    self.ended.append(run.run_id)


def _stop(runs: Sequence[Run], stop: Stop, tell: Callable[[Stop], object], job: Job | None) -> bool:
    """Records and publishes that the runs were stopped, and ends the process; returns if all of them had committed."""
    threading.Timer(_MAX_SECONDS, os._exit, [stop.exit_code]).start()
    _say("stopping")
    account, is_certain = _Account(), True
    within(_RECORD_SECONDS, lambda: account.record(runs, stop.reason))
    if job is not None and len(account.ended) < len(runs):
        if logging.getLogger().level > logging.INFO:
            logging.disable()  # workers in this process would say at length that they were cancelled
        is_certain = job.stop(_CANCEL_SECONDS)
        within(_LOOK_SECONDS, lambda: account.look_again(runs))
    if len(account.ended) == len(runs):
        logging.disable(logging.NOTSET)
        _say(f"{', '.join(account.ended)} was already committed; only its report is left")
        return False
    tell(stop)
    _say(f"stopped: {_what_is_true(account, is_certain)}; {_what_next(bool(account.staged))}")
    os._exit(stop.exit_code)


def _what_is_true(account: _Account, is_certain: bool) -> str:
    if not account.ended and not account.stopped:
        return "the output's store did not answer"
    if not is_certain:
        return UNCERTAIN
    return f"{', '.join(account.ended)} was already committed" if account.ended else "nothing was committed"


def _what_next(is_staged: bool) -> str:
    if not is_staged:
        return "run the same command again"
    return "results so far stay staged, run the same command again to resume"


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        line_end = "\n" if lines.shows_bar() else ""  # a progress bar may stand on the line
        print(line_end, end="", file=sys.stderr)
    lines.complain(text)
