"""Handles SIGTERM before and after scoring. Imports nothing heavy, since even `--help` loads this module."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM."""


class _Hold:
    """Whether SIGTERM waits, and whether one has come."""

    is_on = False
    has_come = False


def hold() -> None:
    """Lets SIGTERM wait until `release`: while libraries are loaded, nobody could be told of it."""
    _Hold.is_on = True


def release() -> None:
    """Lets SIGTERM act again.

    Raises:
        Terminated: One came while it had to wait.
    """
    has_come, _Hold.is_on, _Hold.has_come = _Hold.has_come, False, False
    if has_come:
        raise Terminated


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raises `Terminated` in the block on SIGTERM, as Ctrl-C would, so that clean-up code runs.

    Does nothing outside the main thread, where Python handles no signals.
    """
    if not _is_main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if not _Hold.is_on:
            raise Terminated
        _Hold.has_come = True

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        _Hold.is_on = _Hold.has_come = False
        signal.signal(signal.SIGTERM, before)


def finish() -> None:
    """Ignores SIGTERM from now on: the run is committed, and its reports are written within seconds."""
    if _is_main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
