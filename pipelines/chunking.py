"""Chunks on their way from the listing to the workers."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from melanoma.ingest.tasks import Chunk, PackedChunk
from pipelines.annotations import for_readers


@dataclass(eq=False)
class SpreadChunks(beam.PTransform):
    """Brings chunks to the workers of a run. Input: `PackedChunk`, in order. Output: `Chunk`.

    One worker takes each chunk from the listing at once, in one stage with it. For several workers, the runner keeps
    all chunks first, so that a retry of a later step does not list again; they are small, since they are compressed.

    Attributes:
        workers: Number of worker processes.
        is_distributed: Whether these are the slots of a cluster, over which the chunks are spread evenly.
        is_in_turn: Whether each worker takes its chunks in the order of their numbers, deferred ones first.
    """

    workers: int = 1
    is_distributed: bool = False
    is_in_turn: bool = False

    @for_readers
    def expand(self, chunks: beam.PCollection[PackedChunk]) -> beam.PCollection[Chunk]:
        """Wires the way of the chunks."""
        if self.workers > 1 or self.is_distributed:
            # Grouped by hash, one of two slots may get most of the chunks.
            is_spread = self.is_distributed and self.workers > 1
            if self.is_in_turn:
                chunks = chunks | "InTurn" >> OrderChunks(1 if is_spread else self.workers)
            if is_spread or not self.is_in_turn:
                chunks = chunks | "Spread" >> beam.Reshuffle()
        return chunks | "Unpack" >> beam.Map(_unpacked)


def _unpacked(chunk: PackedChunk) -> Chunk:
    return chunk.unpacked()


@dataclass(eq=False)
class OrderChunks(beam.PTransform):
    """Hands chunks to each worker in the order of their numbers, deferred ones first. Input, output: `PackedChunk`.

    Attributes:
        workers: Number of worker processes.
    """

    workers: int

    @for_readers
    def expand(self, chunks: beam.PCollection[PackedChunk]) -> beam.PCollection[PackedChunk]:
        """Wires one group per worker."""
        return (
            chunks
            | "KeyByWorker" >> beam.Map(lambda chunk, workers: (chunk.number % workers, chunk), self.workers)
            | "GroupWorker" >> beam.GroupByKey()
            | "Sort" >> beam.FlatMapTuple(_by_number)
        )


def _by_number(_: int, chunks: Iterable[PackedChunk]) -> list[PackedChunk]:
    return sorted(chunks, key=lambda chunk: chunk.number)
