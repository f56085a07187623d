"""Keeps the threads of a process from decoding many large photographs at the same time."""

import contextlib
import threading
from collections.abc import Iterator


class PixelBudget:
    """The number of pixels that may be decoded at a time; a photograph larger than the budget is decoded alone."""

    def __init__(self, pixels: int) -> None:
        """Creates a budget that is not in use.

        Args:
            pixels: Pixels that may be decoded at a time, at least 1.
        """
        self._pixels, self._taken, self._changed = pixels, 0, threading.Condition()

    @contextlib.contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Waits until that many pixels are free, and reserves them while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._pixels)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()
