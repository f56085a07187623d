"""How long the job waits for a store: one deadline per object, whatever the libraries of the stores do.

A library's own timeouts do not help against a store that sends a byte now and then. So every call has a deadline by the
clock. The libraries of the object stores cancel what they have begun; any other call runs in a thread that is abandoned
at the deadline, such as one that waits for a network disk.
"""

import contextlib
import datetime
import inspect
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

from fsspec.asyn import AsyncFileSystem, sync

DEFAULT_SECONDS = 60.0
_HURRY_SECONDS = 10.0
_MAX_THREADS = 64  # so many calls can hang at once; what comes then waits for one of them until its own deadline


class _Settings(threading.local):
    """The deadline, on the monotonic clock, of the block that this thread is in; None outside of blocks."""

    ends: float | None = None


_block = _Settings()
_object_seconds = DEFAULT_SECONDS


def set_object_timeout(seconds: float) -> None:
    """Sets how long this process waits for one object, all tries together; in seconds, more than 0."""
    global _object_seconds
    _object_seconds = seconds


def hurry() -> None:
    """Shortens the wait for each object: the run has failed, and somebody should hear of it soon."""
    set_object_timeout(min(_object_seconds, _HURRY_SECONDS))


def object_timeout() -> float:
    """Returns how long this process waits for one object, all tries together; in seconds."""
    return _object_seconds


@contextlib.contextmanager
def one_deadline() -> Iterator[None]:
    """Makes all calls of the block share the deadline of one object; of nested blocks the earliest counts."""
    with no_later_than(time.monotonic() + _object_seconds):
        yield


def clock_time(moment: datetime.datetime) -> float:
    """Returns a moment of the calendar as one of the monotonic clock."""
    return time.monotonic() + (moment - datetime.datetime.now(datetime.UTC)).total_seconds()


@contextlib.contextmanager
def no_later_than(moment: float | None) -> Iterator[None]:
    """Ends all calls of the block by a moment of the monotonic clock; None for no limit beside that of each object."""
    before = _block.ends
    _block.ends = min((end for end in (before, moment) if end is not None), default=None)
    try:
        yield
    finally:
        _block.ends = before


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Makes all calls of the block share a short deadline: something has failed, and this may hang as well."""
    with no_later_than(time.monotonic() + _HURRY_SECONDS):
        yield


def end_of_call() -> float:
    """Returns by when a call that begins now has to end, on the monotonic clock."""
    own = time.monotonic() + _object_seconds
    return own if _block.ends is None else min(own, _block.ends)


def call_until(moment: float, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls an operation and waits for it until a moment of the monotonic clock.

    Args:
        moment: When to stop waiting.
        operation: Any function, a method of a file system, or a coroutine function whose first argument is an object
            store's file system.
        *args: Its arguments.
        **kwargs: Its keyword arguments.

    Raises:
        TimeoutError: The operation had not ended by then.
    """
    seconds = moment - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    if (found := _coroutine_of(operation, *args)) is not None:
        return sync(found.fs.loop, found.function, *args, timeout=seconds, **kwargs)
    future = _threads.submit(lambda: operation(*args, **kwargs))
    try:
        return future.result(seconds)
    finally:
        future.cancel()  # where it had not begun


def file_system_of(operation: Callable[..., Any], *args: Any) -> Any:
    """Returns the file system of an object store's operation, given with its arguments; None for anything else.

    Such an operation is cancelled at its deadline.
    """
    found = _coroutine_of(operation, *args)
    return None if found is None else found.fs


class _Coroutine(NamedTuple):
    """A coroutine function, and the object store's file system that it works on."""

    fs: Any
    function: Callable[..., Any]


def _coroutine_of(operation: Callable[..., Any], *args: Any) -> _Coroutine | None:
    """Returns what an object store's file system does behind an operation; None for anything else."""
    if isinstance(operation, partial):
        inner = _coroutine_of(operation.func, *operation.args, *args)
        return inner and inner._replace(function=partial(inner.function, *operation.args, **operation.keywords))
    behind = getattr(operation, "__wrapped__", None)  # fsspec makes most methods as functions around a coroutine
    if inspect.iscoroutinefunction(behind) and hasattr(behind, "__self__"):
        return _Coroutine(behind.__self__, behind)
    fs = getattr(operation, "__self__", None)
    if inspect.iscoroutinefunction(operation):
        return _Coroutine(args[0] if fs is None else fs, operation)
    if not isinstance(fs, AsyncFileSystem) or not fs.async_impl:
        return None
    function = getattr(fs, f"_{operation.__name__.lstrip('_')}", None)
    return function and _Coroutine(fs, function)


class _Threads:
    """Threads that do not keep the process alive: unlike those of an executor, they can be left where they hang."""

    def __init__(self) -> None:
        self._waiting = queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]]()
        self._idle, self._lock, self._count = threading.Semaphore(0), threading.Lock(), 0

    def submit(self, operation: Callable[[], Any]) -> "Future[Any]":
        """Lets a free thread call the operation, or a new one up to the largest number."""
        future = Future[Any]()
        self._waiting.put((future, operation))
        if not self._idle.acquire(blocking=False):
            with self._lock:
                if self._count < _MAX_THREADS:
                    self._count += 1
                    threading.Thread(target=self._work, daemon=True, name="store").start()
        return future

    def _work(self) -> None:
        while True:
            future, operation = self._waiting.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(operation())
                except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                    future.set_exception(error)
            del future, operation
            self._idle.release()


def _renew() -> None:
    global _threads
    _threads = _Threads()


_threads = _Threads()
os.register_at_fork(after_in_child=_renew)  # threads do not survive a fork
