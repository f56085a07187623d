"""From scored batches to staged chunks: one whole file each."""

import time
from collections.abc import Iterator

import apache_beam as beam

from melanoma.model.bundle import Bundle
from melanoma.runs.records import Stage
from melanoma.runs.run import Run
from melanoma.runs.staging import RowBuilder, StagedChunk, write_chunk
from pipelines.inference import ScoredBatch


class StageChunks(beam.PTransform):
    """Stages every chunk when it is whole. Input: `ScoredBatch`, a chunk's in order. Output: `StagedChunk`."""

    def __init__(self, run: Run, bundle: Bundle) -> None:
        """Takes the run and the bundle's description, without its files."""
        super().__init__()
        self._run, self._bundle = run, bundle

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Wires the writer."""
        return batches | "StageChunk" >> beam.ParDo(_StageFn(self._run, self._bundle))


class _StageFn(beam.DoFn):
    def __init__(self, run: Run, bundle: Bundle) -> None:
        self._run, self._bundle = run, bundle
        self._rows: RowBuilder | None = None
        self._inferred = Stage()

    def start_bundle(self) -> None:
        self._rows = None

    def process(self, scored: ScoredBatch) -> Iterator[StagedChunk]:
        batch = scored.batch
        if batch.deferred:
            yield StagedChunk(batch.chunk, 0, batch.duplicates, deferred=batch.deferred)
            return
        if self._rows is None:
            self._rows, self._inferred = RowBuilder(self._run, self._bundle), Stage()
        rows = self._rows
        rows.add_scored(batch.loaded, scored.scores)
        rows.add_failed(batch.failures)
        self._inferred += Stage(scored.seconds, len(batch.loaded))
        if batch.is_last:
            self._rows = None
            began = time.perf_counter()
            table = rows.table()
            write_chunk(self._run, batch.chunk, table)
            staged = Stage(time.perf_counter() - began, table.num_rows)
            stages = {**rows.stages, "infer": self._inferred, "stage": staged}
            yield StagedChunk(
                batch.chunk, table.num_rows, batch.duplicates, rows.scored, rows.store_failures, stages=stages
            )
