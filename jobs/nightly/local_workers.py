"""Tells of worker processes that died, and ends those that Beam waits for in vain.

Beam's local runner tells its workers to end when a pipeline has failed. One that had not connected by then never hears
of it, and the runner waits for it without a limit (`ControlConnection.close` in Beam 2.77).
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from melanoma.errors import NothingCommittedError

_LOOK_SECONDS = 5.0  # each look asks the output's store
_PATIENCE_SECONDS = 30.0  # Beam itself needs about one
_WAITING_THREAD = "run_worker"  # of Beam: it waits for one worker process, and raises if that fails
_WORKER = b"apache_beam.runners.worker.sdk_worker_main"


@contextlib.contextmanager
def told_of_death(has_failed: Callable[[], bool]) -> Iterator[None]:
    """Raises what happened if the block fails because a worker process has died: Beam's own error does not say.

    Args:
        has_failed: Tells whether the run has failed for another reason; then that counts.

    Raises:
        NothingCommittedError: A worker process ended by itself, or was killed.
    """
    has_died, before = threading.Event(), threading.excepthook

    def notice(args: threading.ExceptHookArgs) -> None:
        if args.thread is not None and args.thread.name == _WAITING_THREAD:
            has_died.set()
        else:
            before(args)

    threading.excepthook = notice
    try:
        yield
    except Exception as error:
        if not has_died.is_set() or has_failed():
            raise
        raise NothingCommittedError(
            "a worker process died, as one does when memory is short and the system kills it; nothing was committed. "
            "Give fewer --direct_num_workers or a smaller --batch-size if it happens again"
        ) from error
    finally:
        threading.excepthook = before


@contextlib.contextmanager
def ended_after(has_failed: Callable[[], bool]) -> Iterator[None]:
    """Ends the worker processes below this one if the block goes on for half a minute after a failure.

    Args:
        has_failed: Tells whether the run has failed; asked every few seconds.
    """
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(has_failed, done), daemon=True, name="local-workers")
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(has_failed: Callable[[], bool], done: threading.Event) -> None:
    until: float | None = None
    while not done.wait(_LOOK_SECONDS):
        if until is None and has_failed():
            until = time.monotonic() + _PATIENCE_SECONDS
        elif until is not None and time.monotonic() > until:
            for pid in worker_processes(os.getpid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def worker_processes(parent: int) -> list[int]:
    """Returns the numbers of Beam's worker processes below a process; none where the system does not tell."""
    below, found = _children(parent), list[int]()
    while below:
        pid = below.pop()
        below += _children(pid)
        with contextlib.suppress(OSError):
            if _WORKER in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def _children(pid: int) -> list[int]:
    found = list[int]()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found
