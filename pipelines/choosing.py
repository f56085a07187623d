"""Which tasks a run scores, and how many there are for each model."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.tasks import Task
from pipelines.annotations import for_readers


@dataclass(frozen=True)
class ChosenTasks:
    """Numbers of the tasks that a run scores, after any limit.

    Attributes:
        tasks: Number of photographs.
        by_model: Number of photographs that each model scores.
    """

    tasks: int
    by_model: tuple[int, ...]


def within_limit(tasks: int, limit: int | None) -> int:
    """Returns how many of a number of tasks a run scores; `limit` is None for no limit."""
    return min(limit or tasks, tasks)


@dataclass(eq=False)
class LimitTasks(beam.PTransform):
    """Keeps a number of tasks: deferred ones first, and the same ones every time. Input and output: `Task`.

    Attributes:
        limit: The most tasks to keep, at least 1.
    """

    limit: int

    @for_readers
    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[Task]:
        """Wires the choice."""
        first = tasks | beam.combiners.Top.Smallest(self.limit, key=_priority)
        return first | "Flatten" >> beam.FlatMap(_unchanged)


def _priority(task: Task) -> tuple[bool, bytes]:
    return not task.was_deferred, digest_of(task.ref.uri, task.ref.version)


def _unchanged(tasks: Iterable[Task]) -> Iterable[Task]:
    return tasks


class CountTasks(beam.CombineFn):
    """Counts tasks, altogether and for each model. Input: `Task`. Output: one `ChosenTasks`."""

    def __init__(self, models: int) -> None:
        """Takes the number of models."""
        self._models = models

    def create_accumulator(self) -> ChosenTasks:
        """Returns the counts of no tasks."""
        return ChosenTasks(0, (0,) * self._models)

    def add_input(self, counts: ChosenTasks, task: Task) -> ChosenTasks:
        """Adds one task."""
        by_model = (count + bool(attempt) for count, attempt in zip(counts.by_model, task.attempts, strict=True))
        return ChosenTasks(counts.tasks + 1, tuple(by_model))

    def merge_accumulators(self, several: Iterable[ChosenTasks]) -> ChosenTasks:
        """Adds up the counts of several workers."""
        counts = list(several)
        by_model = map(sum, zip(*(count.by_model for count in counts), strict=True))
        return ChosenTasks(sum(count.tasks for count in counts), tuple(by_model))

    def extract_output(self, counts: ChosenTasks) -> ChosenTasks:
        """Returns the counts."""
        return counts
