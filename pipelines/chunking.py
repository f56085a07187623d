"""From tasks to chunks, which are loaded, scored and staged together."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from melanoma import storage
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.tasks import Chunk, Task
from melanoma.runs.planning import ListingSummary
from pipelines.annotations import for_readers

_SMALLEST_CHUNK, _LARGEST_CHUNK = 64, 1000
_CHUNKS_PER_WORKER = 8


@dataclass(eq=False)
class ChunkTasks(beam.PTransform):
    """Groups tasks into chunks by a hash of their URI, so that duplicates meet in one chunk.

    Deferred tasks get chunks of their own, with the lowest numbers. Input: `Task`. Output: `Chunk`.

    Attributes:
        summary: One `ListingSummary` of the whole run.
        chunk_size: Average number of photographs in a chunk; None for an eighth of a worker's share, from 64 to 1000.
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
        """Wires numbering and grouping."""
        summary = beam.pvalue.AsSingleton(self.summary)
        return (
            tasks
            | "KeyByChunk" >> beam.Map(_numbered, summary, self.chunk_size, self.workers)
            | "GroupChunk" >> beam.GroupByKey()
            | "AsChunk" >> beam.MapTuple(_chunk)
        )


def chunk_count(images: int, chunk_size: int | None, workers: int) -> int:
    """Returns the number of chunks for a number of photographs, at least 1."""
    size = chunk_size or min(max(images // (_CHUNKS_PER_WORKER * workers), _SMALLEST_CHUNK), _LARGEST_CHUNK)
    return max(1, round(images / size))


def chunk_number(task: Task, summary: ListingSummary, chunk_size: int | None, workers: int) -> int:
    """Returns the number of the chunk to which a task belongs."""
    deferred_chunks = chunk_count(summary.deferred, chunk_size, workers) if summary.deferred else 0
    if task.was_deferred:
        return _group_hash(task.ref) % deferred_chunks
    new_chunks = chunk_count(summary.tasks - summary.deferred, chunk_size, workers)
    return deferred_chunks + _group_hash(task.ref) % new_chunks


def _group_hash(ref: ImageRef) -> int:
    """Returns the hash of a photograph's URI; members of an archive that are read together have one hash."""
    if ref.span is None:
        return uri_hash(ref.uri)
    return uri_hash(f"{storage.archive_of(ref.stored.uri)}#{ref.span.start}")


def uri_hash(uri: str) -> int:
    """Returns a hash of a URI from 0 to 2**64 - 1 that is the same in every process."""
    return int.from_bytes(digest_of(uri, "")[:8], "big")


def _numbered(task: Task, summary: ListingSummary, chunk_size: int | None, workers: int) -> tuple[int, Task]:
    return chunk_number(task, summary, chunk_size, workers), task


def _chunk(number: int, tasks: Iterable[Task]) -> Chunk:
    return Chunk(number, tuple(tasks))


@dataclass(eq=False)
class OrderChunks(beam.PTransform):
    """Gives every worker its chunks in the order of their numbers, deferred ones first. Input and output: `Chunk`.

    Attributes:
        workers: Number of worker processes.
    """

    workers: int

    @for_readers
    def expand(self, chunks: beam.PCollection[Chunk]) -> beam.PCollection[Chunk]:
        """Wires one group per worker; a chunk holds only names, so that a million photographs fit into memory."""
        return (
            chunks
            | "KeyByWorker" >> beam.Map(lambda chunk, workers: (chunk.number % workers, chunk), self.workers)
            | "GroupWorker" >> beam.GroupByKey()
            | "Sort" >> beam.FlatMapTuple(_by_number)
        )


def _by_number(_: int, chunks: Iterable[Chunk]) -> list[Chunk]:
    return sorted(chunks, key=lambda chunk: chunk.number)
