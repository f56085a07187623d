"""From scored batches to staged chunks: one complete file for each chunk."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from melanoma.model.bundle import Bundle
from melanoma.runs.failures import recorded
from melanoma.runs.records import Stage
from melanoma.runs.resumption import resumed
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run, enter_worker
from melanoma.runs.staging import StagedChunk, write_chunk
from pipelines.annotations import for_readers
from pipelines.inference import ScoredBatch


@dataclass(eq=False)
class StageChunks(beam.PTransform):
    """Stages every chunk once its last batch is scored. Input: `ScoredBatch`, those of a chunk in order.

    Output: `StagedChunk`.

    Attributes:
        run: Run to which the rows belong.
        bundle: Description of the model, without its files.
    """

    run: Run
    bundle: Bundle

    @for_readers
    def expand(self, batches: beam.PCollection[ScoredBatch]) -> beam.PCollection[StagedChunk]:
        """Wires the writer."""
        return batches | "StageChunk" >> beam.ParDo(_StageFn(self.run, self.bundle))


class _StageFn(beam.DoFn):
    """Collects the rows of one chunk at a time."""

    def __init__(self, run: Run, bundle: Bundle) -> None:
        self._run, self._bundle = run, bundle
        self._rows: RowBuilder | None = None
        self._inferred, self._engine = Stage(), ""

    def setup(self) -> None:
        """Prepares the process."""
        enter_worker(self._run)

    def start_bundle(self) -> None:
        """Drops the rows of a Beam bundle that failed before its end."""
        self._rows = None

    def process(self, scored: ScoredBatch) -> Iterator[StagedChunk]:
        """Adds a batch to its chunk, and yields the chunk once it is staged."""
        with recorded(self._run):
            batch = scored.batch
            if batch.is_staged:
                yield resumed(self._run, batch)
                return
            rows = self._rows_of(scored)
            if batch.is_last:
                self._rows = None
                yield self._staged(scored, rows)

    def _rows_of(self, scored: ScoredBatch) -> RowBuilder:
        if self._rows is None:
            self._rows, self._inferred, self._engine = RowBuilder(self._run, self._bundle), Stage(), ""
        self._rows.add_scored(scored.batch.loaded, scored.scores)
        self._rows.add_failed(scored.batch.failures)
        self._engine = scored.engine or self._engine
        self._inferred += Stage(scored.seconds, len(scored.batch.loaded))
        if self._rows.timeline is not None:
            self._rows.timeline.add("infer", scored.seconds, scored.scored_at)
        return self._rows

    def _staged(self, scored: ScoredBatch, rows: RowBuilder) -> StagedChunk:
        began, table = time.perf_counter(), rows.table()
        if table.num_rows or not scored.batch.deferred:
            write_chunk(self._run, scored.batch.chunk, table, self._engine)
        seconds = time.perf_counter() - began
        if rows.timeline is not None:
            rows.timeline.add("stage", seconds)
        stages = {**rows.stages, "infer": self._inferred, "stage": Stage(seconds, table.num_rows)}
        return StagedChunk(
            number=scored.batch.chunk,
            rows=table.num_rows,
            duplicates=scored.batch.duplicates,
            forgotten=scored.batch.forgotten,
            scored=rows.scored,
            store_failures=rows.store_failures,
            deferred=b"".join(scored.batch.deferred),
            stages=stages,
            engine=self._engine,
            timeline=rows.timeline,
        )
