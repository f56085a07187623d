"""Handles SIGTERM and its like before and after scoring. Imports nothing heavy: even `--help` loads this module."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM.

    Attributes:
        number: The signal.
    """

    number = signal.SIGTERM


class HungUp(Terminated):
    """The terminal or the connection was closed in which the process was started."""

    number = signal.SIGHUP


class OutOfProcessorTime(Terminated):
    """The process has used the processor time that its limits allow."""

    number = signal.SIGXCPU


_ENDINGS = (Terminated, HungUp, OutOfProcessorTime)


class _Hold:
    """Whether the signals wait, and the first one that has come."""

    is_on = False
    come: type[Terminated] | None = None


def heeded() -> tuple[signal.Signals, ...]:
    """Returns the signals that end a command; SIGHUP is ignored below `nohup`, and stays so."""
    return tuple(ending.number for ending in _ENDINGS if signal.getsignal(ending.number) is not signal.SIG_IGN)


def hold() -> None:
    """Lets the signals wait until `release`: while libraries are loaded, nobody could be told of it."""
    _Hold.is_on = True


def release() -> None:
    """Lets the signals act again.

    Raises:
        Terminated: One came while it had to wait.
    """
    come, _Hold.is_on, _Hold.come = _Hold.come, False, None
    if come is not None:
        raise come


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raises `Terminated` in the block on a signal that ends the command, as Ctrl-C would, so that clean-up code runs.

    Does nothing outside the main thread, where Python handles no signals.
    """
    if not _is_main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        ending = next(ending for ending in _ENDINGS if ending.number == number)
        if not _Hold.is_on:
            raise ending
        _Hold.come = _Hold.come or ending

    before = {number: signal.signal(number, handle) for number in heeded()}
    try:
        yield
    finally:
        _Hold.is_on, _Hold.come = False, None
        for number, handler in before.items():
            signal.signal(number, handler)


def finish() -> None:
    """Ignores the signals from now on: the run is committed, and its reports are written within seconds."""
    if _is_main_thread():
        for ending in _ENDINGS:
            signal.signal(ending.number, signal.SIG_IGN)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
