"""SIGTERM and Ctrl-C while a run scores: it ends within seconds and says how to resume."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType

from jobs.console.exit_codes import INTERRUPTED, NOTHING_COMMITTED
from melanoma.errors import MelanomaError, PhotographError
from melanoma.runs import heartbeats, recovery
from melanoma.runs.run import Run

_MAX_SECONDS = 8.0
_CODES = {signal.SIGTERM: NOTHING_COMMITTED, signal.SIGINT: INTERRUPTED}


@contextlib.contextmanager
def stop_on_signals(runs: Sequence[Run]) -> Iterator[None]:
    """Lets both signals end the process while the block runs, whatever its threads are waiting for.

    Staged results stay staged. Nothing more is committed; a commit that has already happened stands. A second signal
    ends the process at once. Does nothing outside the main thread, where Python handles no signals.

    Args:
        runs: Runs of the models, the one with the heartbeat first.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_stopping = threading.Event()

    def handle(number: int, _: FrameType | None) -> None:
        code = _CODES[signal.Signals(number)]
        if is_stopping.is_set():
            os._exit(code)
        is_stopping.set()
        # In a thread of its own: the interrupted line may hold a lock that the store's library needs.
        threading.Thread(target=_stop, args=(runs, code), daemon=True, name="stop").start()

    before = {number: signal.signal(number, handle) for number in _CODES}
    try:
        yield
        while is_stopping.is_set():  # the block ended in the meantime; the other thread ends the process
            time.sleep(1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(runs: Sequence[Run], code: int) -> None:
    """Records that the runs were stopped, and ends the process."""
    threading.Timer(_MAX_SECONDS, os._exit, [code]).start()  # the store may not answer
    _say("stopping; results so far stay staged")
    committed = list[str]()
    with contextlib.suppress(MelanomaError, PhotographError):
        committed = [run.run_id for run in runs if not recovery.record_stop(run)]
        heartbeats.remove(runs[0].layout, runs[0].run_id)
    what = f"{', '.join(committed)} was already committed" if committed else "nothing was committed"
    _say(f"stopped: {what}; run the same command again to resume")
    os._exit(code)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        line_end = "\n" if sys.stderr.isatty() else ""  # a progress bar may stand on the line
        print(f"{line_end}melanoma: {text}", file=sys.stderr, flush=True)
