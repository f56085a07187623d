"""From photographs to batches of pixels."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from melanoma import storage
from melanoma.errors import ReadError, UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch, defer, load_batches
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.tasks import Chunk, Task
from melanoma.ingest.threads import default_threads
from melanoma.runs.failures import recorded
from melanoma.runs.planning import ListingSummary
from melanoma.runs.run import Run
from pipelines.annotations import for_readers

_SMALLEST, _LARGEST = 64, 1000
_CHUNKS_PER_WORKER = 8


@dataclass(eq=False)
class ChunkTasks(beam.PTransform):
    """Groups tasks into chunks by a hash of their URI, so that two refs to one photograph meet.

    What an earlier run deferred gets chunks of its own, with the lowest numbers. Input: `Task`. Output: `Chunk`.

    Attributes:
        summary: One `ListingSummary`, of the whole run.
        chunk_size: Photographs in a chunk, on average; None for an eighth of a worker's share, 64 to 1000.
        workers: Number of worker processes.

    Raises:
        ValueError: `chunk_size` or `workers` is below 1.
    """

    summary: beam.PCollection[ListingSummary]
    chunk_size: int | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if self.workers < 1 or (self.chunk_size is not None and self.chunk_size < 1):
            raise ValueError(f"chunk_size {self.chunk_size} and workers {self.workers} must be at least 1")

    @for_readers
    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[Chunk]:
        """Wires key and group."""
        summary = beam.pvalue.AsSingleton(self.summary)
        return (
            tasks
            | "KeyByChunk" >> beam.Map(_key, summary, self.chunk_size, self.workers)
            | "GroupChunk" >> beam.GroupByKey()
            | "AsChunk" >> beam.MapTuple(_chunk)
        )


def chunk_count(images: int, chunk_size: int | None, workers: int) -> int:
    """Gives the number of chunks for a number of photographs, at least 1."""
    size = chunk_size or min(max(images // (_CHUNKS_PER_WORKER * workers), _SMALLEST), _LARGEST)
    return max(1, round(images / size))


def _key(task: Task, summary: ListingSummary, chunk_size: int | None, workers: int) -> tuple[int, Task]:
    first = chunk_count(summary.deferred, chunk_size, workers) if summary.deferred else 0
    if task.was_deferred:
        return _hash(task.ref.uri) % first, task
    return first + _hash(task.ref.uri) % chunk_count(summary.tasks - summary.deferred, chunk_size, workers), task


def _hash(uri: str) -> int:
    return int.from_bytes(digest_of(uri, "")[:8], "big")


def _chunk(number: int, tasks: Iterable[Task]) -> Chunk:
    return Chunk(number, tuple(tasks))


@dataclass(eq=False)
class InTurn(beam.PTransform):
    """Hands every worker its chunks by number, lowest first. Input and output: `Chunk`.

    Attributes:
        workers: Number of worker processes.
    """

    workers: int

    @for_readers
    def expand(self, chunks: beam.PCollection[Chunk]) -> beam.PCollection[Chunk]:
        """Wires one group a worker; a chunk holds names, so that even a million of them are no load."""
        return (
            chunks
            | "KeyByWorker" >> beam.Map(lambda chunk, workers: (chunk.number % workers, chunk), self.workers)
            | "GroupWorker" >> beam.GroupByKey()
            | "Sort" >> beam.FlatMapTuple(_by_number)
        )


def _by_number(_: int, chunks: Iterable[Chunk]) -> list[Chunk]:
    return sorted(chunks, key=lambda chunk: chunk.number)


@dataclass(eq=False)
class LoadImages(beam.PTransform):
    """Reads photographs once and decodes them for each model, ahead of whoever consumes the batches.

    Input: `Chunk`, or single photographs as `ImageRef` or URI. Output: a list with a PCollection of `Batch` for each
    model; a batch never reaches across chunks. A chunk that would begin after the deadline is deferred.

    Attributes:
        specs: What the decoder must deliver to each model.
        batch_size: Decoded photographs in a full batch.
        threads: That read and decode; None for two a core from a local disk, 16 or more from a distant store.
        deadline: UTC; None for none.
        run: Which an error ends; None for no run.

    Raises:
        ValueError: `batch_size` or `threads` is below 1.
    """

    specs: Sequence[ImageSpec]
    batch_size: int = 32
    threads: int | None = None
    deadline: datetime.datetime | None = None
    run: Run | None = None

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if self.batch_size < 1 or (self.threads is not None and self.threads < 1):
            raise ValueError(f"batch_size {self.batch_size} and threads {self.threads} must be at least 1")

    @for_readers
    def expand(self, chunks: beam.PCollection[Chunk | ImageRef | str]) -> list[beam.PCollection[Batch]]:
        """Wires the loader."""
        tags = [str(model) for model in range(len(self.specs))]
        load = _LoadFn(_LoadConfig(tuple(self.specs), self.batch_size, self.threads, self.deadline, self.run))
        batches = chunks | "ReadAndDecode" >> beam.ParDo(load).with_outputs(*tags)
        return [batches[tag] for tag in tags]


class _LoadConfig(NamedTuple):
    specs: tuple[ImageSpec, ...]
    batch_size: int
    threads: int | None
    deadline: datetime.datetime | None
    run: Run | None


class _LoadFn(beam.DoFn):
    def __init__(self, config: _LoadConfig) -> None:
        self._config = config

    def setup(self) -> None:
        """Starts the threads."""
        near, far = (self._config.threads or default_threads(is_local) for is_local in (True, False))
        self._near = ThreadPoolExecutor(near, thread_name_prefix="load")
        self._far = ThreadPoolExecutor(far, thread_name_prefix="load")

    def process(self, element: Chunk | ImageRef | str) -> Iterator[Any]:
        """Yields the batches of a chunk, each for its model."""
        with recorded(self._config.run):
            specs, deadline = self._config.specs, self._config.deadline
            chunk = _as_chunk(element, len(specs))
            if deadline is not None and datetime.datetime.now(datetime.UTC) >= deadline:
                batches = defer(chunk, specs)
            else:
                pool = self._near if _is_near(chunk.tasks[0].ref.stored.uri) else self._far
                batches = load_batches(chunk, specs, self._config.batch_size, pool)
            for model, batch in batches:
                yield TaggedOutput(str(model), batch)

    def teardown(self) -> None:
        for pool in (self._near, self._far):
            pool.shutdown(wait=False, cancel_futures=True)


def _is_near(uri: str) -> bool:
    try:
        return storage.local_path(uri) is not None
    except (ReadError, UsageError):  # it will fail on its own row
        return True


def _as_chunk(element: Chunk | ImageRef | str, models: int) -> Chunk:
    if isinstance(element, Chunk):
        return element
    if isinstance(element, str):
        stored = storage.stat(element)
        element = ImageRef(stored.uri, stored.version, stored.size, storage.stem_of(stored.uri))
    return Chunk(_hash(element.uri) % 2**31, (Task(element, (element.attempt,) * models),))
