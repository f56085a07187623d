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
from melanoma.runs.announcement import Announcement, announced
from melanoma.runs.run import Run

_POLL_SECONDS = 0.5
_POLL_SHARE = 20  # a look at ten thousand staged files takes a while
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
        self._first_look: tuple[int, float] | None = None  # rows and time, once there are any or the listing has ended
        self._stop = threading.Event()
        self._bar: tqdm[None] | None = None
        self._next_line = _LOG_SECONDS

    @property
    def seconds(self) -> float:
        """Seconds since the start, up to the end of the run."""
        return (self._ended or time.monotonic()) - self._started

    def watch(self) -> None:
        """Updates the display until `stop` is called."""
        took = 0.0
        while not self._stop.wait(max(_POLL_SECONDS, _POLL_SHARE * took)):
            began = time.monotonic()
            self.update()
            took = time.monotonic() - began

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
            planned = announced(self._run)
            if planned is None:
                return
            for uri in staging.staged_files(self._run):
                if uri not in self._counted:
                    self._counted.add(uri)
                    self._rows += staging.staged_rows(self._run, uri)
        except ReadError:
            return
        if planned.is_final or self._rows:
            self._first_look = self._first_look or (self._rows, time.monotonic())
        if sys.stderr.isatty():
            self._draw(planned)
        elif self.seconds >= self._next_line and (text := self._line(planned)):
            self._next_line = self.seconds + _LOG_SECONDS
            lines.report_progress(text)

    def _draw(self, planned: Announcement) -> None:
        name = "listed" if self._first_look is None else "scored"
        if self._bar is None or self._bar.desc != name:
            self.close()
            self._bar = tqdm(unit="image", desc=name, dynamic_ncols=True)
        self._bar.total = None if self._first_look is None else planned.images
        self._bar.update((planned.images if self._first_look is None else self._rows) - self._bar.n)

    def _line(self, planned: Announcement) -> str:
        """Returns the progress as a line for a log; empty where there is nothing to say."""
        if self._first_look is None:
            return f"listed {planned.images:,} photographs so far"
        first_rows, since = self._first_look
        if self._rows == first_rows:
            return ""
        rate = (self._rows - first_rows) / (time.monotonic() - since)
        if planned.is_final:
            return line(self._rows, planned.images, rate)
        return f"scored {self._rows:,} of {planned.images:,} listed so far, {per_second(rate)}"


def line(rows: int, total: int, rate: float) -> str:
    """Returns the progress as a line for a log.

    Args:
        rows: Photographs scored so far, at least 1.
        total: Photographs to score, at least 1.
        rate: Photographs scored a second, without the time before the first of them; above 0.
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
