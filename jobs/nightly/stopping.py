"""SIGTERM and Ctrl-C: a night that is stopped ends within seconds, and says how to go on."""

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

_PATIENCE_SECONDS = 8.0
_CODES = {signal.SIGTERM: NOTHING_COMMITTED, signal.SIGINT: INTERRUPTED}


@contextlib.contextmanager
def stoppable(runs: Sequence[Run]) -> Iterator[None]:
    """Makes both signals end the process while the block runs, whatever its threads wait for.

    What is staged stays staged, and nothing is committed any more, unless it has been already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    begun = threading.Event()

    def handle(number: int, _: FrameType | None) -> None:
        code = _CODES[signal.Signals(number)]
        if begun.is_set():
            os._exit(code)  # asked twice
        begun.set()
        # Not here: the interrupted line may hold a lock that the store's library wants.
        threading.Thread(target=_end, args=(runs, code), daemon=True, name="stop").start()

    before = {number: signal.signal(number, handle) for number in _CODES}
    try:
        yield
        while begun.is_set():  # the night ended while it was being stopped: the other thread ends the process
            time.sleep(1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(runs: Sequence[Run], code: int) -> None:
    threading.Timer(_PATIENCE_SECONDS, os._exit, [code]).start()  # a store that does not answer holds nobody up
    _say("stopping: what is scored stays staged")
    committed = list[str]()
    with contextlib.suppress(MelanomaError, PhotographError):
        committed = [run.run_id for run in runs if not recovery.record_stop(run)]
        heartbeats.remove(runs[0].layout, runs[0].run_id)
    done = f"{', '.join(committed)} had been committed already; " if committed else "nothing was committed; "
    _say(f"stopped: {done}start the same command again, it goes on from there")
    os._exit(code)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"\nmelanoma: {text}", file=sys.stderr, flush=True)
