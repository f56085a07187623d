"""Keeps the threads of a process from holding many large pictures at once."""

import contextlib
import threading
from collections.abc import Iterator


class PixelBudget:
    """So many pixels may be in the making at a time; a picture that is larger than all of it is made alone."""

    def __init__(self, pixels: int) -> None:
        """Starts with all of it free.

        Args:
            pixels: In the making at a time, at least 1.
        """
        self._pixels, self._taken, self._changed = pixels, 0, threading.Condition()

    @contextlib.contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Waits until so many are free, and holds them while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._pixels)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()
