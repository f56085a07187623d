"""Shows the progress of a run by watching its staged files, which is right for every runner."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from jobs.console import lines
from jobs.console.wording import per_second
from melanoma.errors import ReadError
from melanoma.reporting.messages import duration
from melanoma.runs import staging
from melanoma.runs.run import Run

_POLL_SECONDS = 0.5
_LOG_SECONDS = 10.0


class Progress:
    """Progress of one run, updated by a thread of its own."""

    def __init__(self, run: Run) -> None:
        """Starts the clock."""
        self._run = run
        self._started = time.monotonic()
        self._ended: float | None = None
        self._counted: set[str] = set()
        self._rows = 0
        self._at_first_look: tuple[int, float] | None = None  # rows and time, when the listing has ended
        self._stop = threading.Event()
        self._bar: tqdm[None] | None = None
        self._next_line = _LOG_SECONDS

    @property
    def seconds(self) -> float:
        """Seconds since the start, up to the end of the run."""
        return (self._ended or time.monotonic()) - self._started

    def watch(self) -> None:
        """Updates the display until `stop` is called."""
        while not self._stop.wait(_POLL_SECONDS):
            self.update()

    def stop(self) -> None:
        """Stops the clock and the updates."""
        self._ended = time.monotonic()
        self._stop.set()

    def close(self) -> None:
        """Leaves the bar, if there is one, on the terminal."""
        if self._bar is not None:
            self._bar.close()

    def update(self) -> None:
        """Counts the rows of new staged files and shows their sum; a store that fails now may answer next time."""
        try:
            total = staging.announced(self._run)
            if total is None:
                return
            for uri in staging.staged_files(self._run):
                if uri not in self._counted:
                    self._counted.add(uri)
                    self._rows += staging.staged_rows(self._run, uri)
        except ReadError:
            return
        self._at_first_look = self._at_first_look or (self._rows, time.monotonic())
        self._show(total, *self._at_first_look)

    def _show(self, total: int, first_rows: int, since: float) -> None:
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(total=total, unit="image", desc="scored", dynamic_ncols=True)
            self._bar.update(self._rows - self._bar.n)
        elif self.seconds >= self._next_line and self._rows > first_rows:
            self._next_line = self.seconds + _LOG_SECONDS
            rate = (self._rows - first_rows) / (time.monotonic() - since)
            lines.report_progress(line(self._rows, total, rate))


def line(rows: int, total: int, rate: float) -> str:
    """Returns the progress as a line for a log.

    Args:
        rows: Photographs scored so far, at least 1.
        total: Photographs to score, at least 1.
        rate: Photographs a second since the listing ended, which says nothing about what is left to score; above 0.
    """
    left = duration(max(total - rows, 0) / rate)
    return f"scored {rows:,} of {total:,} ({rows / total:.0%}), {per_second(rate)}, about {left} left"


@contextmanager
def showing_progress(run: Run) -> Iterator[Progress]:
    """Shows the progress of a run while the block runs: as a bar on a terminal, as a line now and then in a log."""
    progress = Progress(run)
    thread = threading.Thread(target=progress.watch, daemon=True, name="progress")
    thread.start()
    try:
        yield progress
    finally:
        progress.stop()
        thread.join()
        progress.close()
