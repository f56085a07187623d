"""When each worker did what during a run, added up in steps of time, so that a long run needs no more memory."""

import math
import os
import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

from melanoma.json_values import number, typed
from melanoma.runs.stored_values import MOST, whole

SHORTEST_STEP = 0.25
MOST_STEPS = 240  # of a worker's work; when more are needed, the steps get twice as long


class Row(NamedTuple):
    """The work of one kind of one worker.

    Attributes:
        worker: Machine and process; a number from 1 on in the record of the run.
        stage: One of `melanoma.runs.records.STAGES`.
    """

    worker: str
    stage: str


class Timeline:
    """Seconds of work of each worker and stage, by step of time since the run's start.

    Work that goes on in several threads at once is added up, so a step can hold more seconds than it lasts.

    Attributes:
        step: Length of a step in seconds, `SHORTEST_STEP` times a power of two.
    """

    def __init__(self, began: float = 0.0, worker: str = "", step: float = SHORTEST_STEP) -> None:
        """Begins an empty timeline.

        Args:
            began: Start of the run, Unix time in seconds.
            worker: The worker whose work is added; empty for one that only holds the work of others.
            step: Length of a step in seconds.
        """
        self._began, self._worker, self.step = began, worker, step
        self._work: dict[Row, dict[int, float]] = {}

    @classmethod
    def here(cls, began: float) -> Self:
        """Returns an empty timeline for the work of this process.

        Args:
            began: Start of the run, Unix time in seconds.
        """
        return cls(began, f"{socket.gethostname()}:{os.getpid()}")

    def add(self, stage: str, seconds: float, ended: float | None = None) -> None:
        """Adds one piece of work.

        Args:
            stage: One of `melanoma.runs.records.STAGES`.
            seconds: How long it took, 0 or more.
            ended: Its end, Unix time in seconds; None for now.
        """
        if seconds <= 0:
            return
        end = (time.time() if ended is None else ended) - self._began
        start = max(end - seconds, 0.0)  # the clocks of two machines may differ
        end = start + seconds
        self._widen(end)
        steps = self._work.setdefault(Row(self._worker, stage), defaultdict(float))
        first, last = int(start / self.step), int(end / self.step)
        for place in range(first, last + 1):
            part = min(end, (place + 1) * self.step) - max(start, place * self.step)
            if part > 0:  # nothing is left at the end of a step
                steps[place] += part

    def merge(self, other: "Timeline") -> None:
        """Adds the work of another timeline of the same run."""
        self._lengthen(max(self.step, other.step))
        ratio = self.step / other.step
        for row, steps in other._work.items():
            mine = self._work.setdefault(row, defaultdict(float))
            for place, seconds in steps.items():
                mine[int(place / ratio)] += seconds
        self._widen(self.step * (self.steps - 1))

    def _widen(self, end: float) -> None:
        """Lengthens the steps until `MOST_STEPS` of them reach the end."""
        if end >= self.step * MOST_STEPS:
            self._lengthen(self.step * 2 ** (1 + int(math.log2(end / (self.step * MOST_STEPS)))))

    def _lengthen(self, step: float) -> None:
        if step == self.step:
            return
        ratio, self.step = step / self.step, step
        for row, steps in self._work.items():
            longer: dict[int, float] = defaultdict(float)
            for place, seconds in steps.items():
                longer[int(place / ratio)] += seconds
            self._work[row] = longer

    def rows(self) -> Iterator[tuple[Row, Mapping[int, float]]]:
        """Yields the work of each worker and kind: seconds by number of the step."""
        yield from self._work.items()

    def seconds(self, stage: str) -> float:
        """Returns the work of one kind, in seconds, summed over threads and workers."""
        return sum(sum(steps.values()) for row, steps in self._work.items() if row.stage == stage)

    @property
    def steps(self) -> int:
        """Number of steps up to the last one with work."""
        return 1 + max((max(steps) for steps in self._work.values() if steps), default=-1)

    def _numbers(self) -> dict[str, str]:
        firsts: dict[str, int] = {}
        for row, steps in self._work.items():
            firsts[row.worker] = min([*steps, firsts.get(row.worker, MOST_STEPS)])
        ordered = sorted(firsts, key=lambda worker: (firsts[worker], worker))
        return {worker: str(place) for place, worker in enumerate(ordered, 1)}

    def as_json(self) -> dict[str, Any]:
        """Returns the timeline as JSON values, with a number for each worker, in the order in which they began."""
        numbers = self._numbers()
        rows = [
            {
                "worker": numbers[row.worker],
                "stage": row.stage,
                "seconds": [[place, round(work[place], 4)] for place in sorted(work)],
            }
            for row, work in self._work.items()
        ]
        return {"step": self.step, "rows": rows}

    @classmethod
    def from_json(cls, value: Any, name: str) -> "Timeline":
        """Reads what `as_json` returned, from a file that others may have damaged.

        Raises:
            ValueError: It is something else.
        """
        document = typed(dict, value, name)
        number(document.get("step"), f"{name}.step", SHORTEST_STEP, MOST)
        found = cls(step=float(document["step"]))
        for row in typed(list, document.get("rows"), f"{name}.rows"):
            typed(dict, row, f"{name}.rows")
            key = Row(*(typed(str, row.get(part), f"{name}.{part}") for part in Row._fields))
            found._work[key] = dict(_steps(typed(list, row.get("seconds"), f"{name}.seconds"), name))
        return found


def merged(timelines: Iterable[Timeline | None]) -> Timeline | None:
    """Returns the work of several timelines of the same run; None if there is none."""
    whole: Timeline | None = None
    for timeline in timelines:
        if timeline is not None:
            whole = whole or Timeline()
            whole.merge(timeline)
    return whole


def _steps(values: Iterable[Any], name: str) -> Iterator[tuple[int, float]]:
    for value in values:
        place, seconds = typed(list, value, name, length=2)
        if whole(place, name) >= MOST_STEPS:
            raise ValueError(f"{name} has step {place}; expected one below {MOST_STEPS}")
        yield place, number(seconds, name, 0.0, MOST)
