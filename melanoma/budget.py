"""Keeps the threads of a process from holding too much at the same time."""

import contextlib
import threading
from collections.abc import Iterator


class Budget:
    """An amount that may be held at a time, such as bytes or pixels; what exceeds it is held alone."""

    def __init__(self, most: int) -> None:
        """Creates a budget that is not in use.

        Args:
            most: What may be held at a time, at least 1.
        """
        self._most, self._taken, self._changed = most, 0, threading.Condition()

    @contextlib.contextmanager
    def reserve(self, amount: int) -> Iterator[None]:
        """Waits until that much is free, and reserves it while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + amount <= self._most)
            self._taken += amount
        try:
            yield
        finally:
            with self._changed:
                self._taken -= amount
                self._changed.notify_all()
