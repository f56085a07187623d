"""Handles SIGTERM before and after scoring. Imports nothing heavy, since even `--help` loads this module."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raises `Terminated` in the block on SIGTERM, as Ctrl-C would, so that clean-up code runs.

    Does nothing outside the main thread, where Python handles no signals.
    """
    if not _is_main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def finish() -> None:
    """Ignores SIGTERM from now on: the run is committed, and its reports are written within seconds."""
    if _is_main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
