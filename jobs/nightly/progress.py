"""Shows how far a run is, by watching what it stages: true for any runner."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from melanoma.runs.run import Run

_LOOK_SECONDS = 0.5
_LOG_SECONDS = 10.0


class Watch:
    """Follows a run's staging from a thread of its own."""

    def __init__(self, run: "Run") -> None:
        """Starts the clock."""
        self._run = run
        self._started = time.monotonic()
        self._ended: float | None = None
        self._seen: set[str] = set()
        self._rows = 0
        self._stop = threading.Event()
        self._bar: tqdm[None] | None = None
        self._next_line = _LOG_SECONDS

    @property
    def seconds(self) -> float:
        """Since the start; stands still when the run has ended."""
        return (self._ended or time.monotonic()) - self._started

    def watch(self) -> None:
        """Looks again and again until told to stop."""
        while not self._stop.wait(_LOOK_SECONDS):
            self._look()

    def stop(self) -> None:
        """Stops the clock and puts the bar away."""
        self._ended = time.monotonic()
        self._stop.set()

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def _look(self) -> None:
        from melanoma.errors import ReadError
        from melanoma.runs import staging

        try:
            total = staging.announced(self._run)
            if total is None:
                return
            for uri in staging.staged_files(self._run):
                if uri not in self._seen:
                    self._seen.add(uri)
                    self._rows += staging.staged_rows(uri)
        except ReadError:
            return  # what cannot be seen now is seen at the next look, or not at all: the run does not depend on it
        self._show(total)

    def _show(self, total: int) -> None:
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(total=total, unit="image", desc="scored", dynamic_ncols=True)
            self._bar.update(self._rows - self._bar.n)
        elif self.seconds >= self._next_line and self._rows:
            self._next_line = self.seconds + _LOG_SECONDS
            rate = self._rows / self.seconds
            print(
                f"scored {self._rows:,} of {total:,} ({self._rows / total:.0%}), {rate:.0f} images/s, "
                f"about {(total - self._rows) / rate:.0f} s left",
                file=sys.stderr,
                flush=True,
            )


@contextmanager
def watching(run: "Run") -> Iterator[Watch]:
    """Shows a run's progress while the block runs: a bar on a terminal, a line now and then in a log."""
    watch = Watch(run)
    thread = threading.Thread(target=watch.watch, daemon=True, name="progress")
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()
        watch.close()
