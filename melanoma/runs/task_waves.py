"""Tasks become chunks wave by wave, so that a listing of any length takes the memory of one wave."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.tasks import Task
from melanoma.runs.chunk_queue import ChunkQueue
from melanoma.runs.chunking import ChunkSize, cut
from melanoma.runs.seen import SeenDigests

DEFAULT_WAVE_SIZE = 100_000


@dataclass(frozen=True)
class WaveSettings:
    """How a run is divided.

    Attributes:
        chunk_size: How large chunks are.
        limit: The most photographs to score, deferred ones first, and the same ones every time; None for no limit.
        wave_size: The most tasks of each kind, new or deferred, that wait in memory to be cut into chunks, at least 1.

    Raises:
        ValueError: A number is below 1.
    """

    chunk_size: ChunkSize = field(default_factory=ChunkSize)
    limit: int | None = None
    wave_size: int = DEFAULT_WAVE_SIZE

    def __post_init__(self) -> None:
        """Checks the numbers."""
        numbers = {"limit": self.limit, "wave_size": self.wave_size, **self.chunk_size._asdict()}
        if wrong := {name: number for name, number in numbers.items() if number is not None and number < 1}:
            raise ValueError(f"{wrong} must be at least 1")


@dataclass(frozen=True)
class ChosenTasks:
    """Numbers of the tasks that a run scores, after any limit.

    Attributes:
        tasks: Number of photographs, duplicates included.
        by_model: Number of these that each model scores.
        repeated: Number of these that were in an earlier wave already, for each model: they are in no chunk.
    """

    tasks: int
    by_model: tuple[int, ...]
    repeated: tuple[int, ...]


class TaskWaves:
    """Collects tasks, and cuts them into chunks once a wave of them is there."""

    def __init__(self, queue: ChunkQueue, settings: WaveSettings, models: int) -> None:
        """Begins without tasks.

        Args:
            queue: Takes the chunks.
            settings: How the run is divided.
            models: Number of models.
        """
        self._queue, self._settings = queue, settings
        self._waiting: dict[bool, list[Task]] = {True: [], False: []}
        self._limited: list[Task] = []
        self._seen = SeenDigests()
        self._tasks, self._by_model, self._repeated = 0, [0] * models, [0] * models

    def add(self, tasks: Sequence[Task]) -> None:
        """Adds tasks."""
        if self._settings.limit is None:
            self._choose(tasks)
            return
        self._limited += tasks
        if len(self._limited) > 2 * self._settings.limit + self._settings.wave_size:
            self._limited = self._first(self._settings.limit)

    def end(self) -> ChosenTasks:
        """Cuts what is left, and returns how many tasks were chosen."""
        if self._settings.limit is not None:
            self._choose(self._first(self._settings.limit))
        for was_deferred, waiting in self._waiting.items():
            self._cut(waiting, was_deferred, is_last=True)
        return ChosenTasks(self._tasks, tuple(self._by_model), tuple(self._repeated))

    def _first(self, limit: int) -> list[Task]:
        return heapq.nsmallest(limit, self._limited, key=_priority)

    def _choose(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self._tasks += 1
            _count(self._by_model, task)
            waiting = self._waiting[task.was_deferred]
            waiting.append(task)
            if len(waiting) == self._settings.wave_size:
                self._waiting[task.was_deferred] = []
                self._cut(waiting, task.was_deferred, is_last=False)

    def _cut(self, tasks: list[Task], was_deferred: bool, is_last: bool) -> None:
        fresh = self._fresh(tasks, is_last)
        if fresh:
            size = self._settings.chunk_size.count(len(fresh))
            self._queue.put(cut(fresh, size), size, was_deferred)

    def _fresh(self, tasks: list[Task], is_last: bool) -> list[Task]:
        """Returns the tasks that no earlier wave has; duplicates within a wave meet in one chunk."""
        if is_last and not self._seen:
            return tasks
        digests = [digest_of(task.ref.uri, task.ref.version) for task in tasks]
        are_seen = self._seen.have(digests)
        self._seen.add(digests)
        for task, is_seen in zip(tasks, are_seen, strict=True):
            if is_seen:
                _count(self._repeated, task)
        return [task for task, is_seen in zip(tasks, are_seen, strict=True) if not is_seen]


def _count(by_model: list[int], task: Task) -> None:
    for model, attempt in enumerate(task.attempts):
        by_model[model] += bool(attempt)


def _priority(task: Task) -> tuple[bool, bytes]:
    return not task.was_deferred, digest_of(task.ref.uri, task.ref.version)
