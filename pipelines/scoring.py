"""The whole run as one transform."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import apache_beam as beam

from melanoma.ingest.batches import Batch
from melanoma.ingest.sources import Source
from melanoma.ingest.tasks import Chunk, Task
from melanoma.model.engine_names import AUTO
from melanoma.runs.failures import recorded
from melanoma.runs.planning import ListingSummary, check_moved
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun, Run
from melanoma.runs.staging import StagedChunk, announce
from pipelines.annotations import for_readers
from pipelines.choosing import CountTasks, LimitTasks, within_limit
from pipelines.chunking import ChunkTasks, OrderChunks
from pipelines.commit import CommitRun, CommitSettings
from pipelines.inference import BundleRef, InferBatches
from pipelines.listing import ListTasks, total
from pipelines.loading import LoadImages
from pipelines.staging import StageChunks


@dataclass(eq=False)
class ScoreImages(beam.PTransform):
    """Scores the photographs that sources list and the table lacks. Input: `Source`. Output: one `RunRecord` per model.

    Every photograph is listed and read once, whatever the number of models; everything else happens per model.

    Attributes:
        models: Models that score, each with a run of its own.
        batch_size: Number of photographs in a batch of a network, at least 1.
        chunk_size: Average number of photographs that are staged together; None to derive it from their number.
        limit: The most photographs to score, or None for no limit.
        workers: Number of worker processes, or of slots of a cluster.
        is_distributed: Whether these are the slots of a cluster, over which the chunks are spread evenly.
        engine: The engine that runs the networks, one of `melanoma.model.engine_names.ENGINES` or `AUTO`.
    """

    models: Sequence[ModelRun]
    batch_size: int = 32
    chunk_size: int | None = None
    limit: int | None = None
    workers: int = 1
    is_distributed: bool = False
    engine: str = AUTO

    @for_readers
    def expand(self, sources: beam.PCollection[Source]) -> beam.PCollection[RunRecord]:
        """Wires the run: list, choose, chunk, load, infer, stage, commit."""
        runs = [model.run for model in self.models]
        listing = sources | "List" >> ListTasks(runs)
        once = sources.pipeline | "SummaryOnce" >> beam.Create([None], reshuffle=False)
        summary = once | "Summary" >> beam.Map(_checked, beam.pvalue.AsList(listing.summaries), runs, self.limit)
        tasks = listing.tasks if self.limit is None else listing.tasks | "Limit" >> LimitTasks(self.limit)
        chosen = tasks | "CountChosen" >> beam.CombineGlobally(CountTasks(len(runs)))
        records: list[beam.PCollection[RunRecord]] = []
        for number, batches in enumerate(self._load(tasks, summary)):
            settings = CommitSettings(runs[number], number, self.limit, self.workers)
            commit = CommitRun(settings, summary, chosen, after=records[-1] if records else None)
            records.append(self._stage(number, batches) | f"Commit{number}" >> commit)
        return records | "Records" >> beam.Flatten()

    def _load(
        self, tasks: beam.PCollection[Task], summary: beam.PCollection[ListingSummary]
    ) -> list[beam.PCollection[Batch]]:
        """Wires chunking and loading; returns the batches of each model."""
        deadline = self.models[0].run.deadline
        chunks: beam.PCollection[Chunk] = tasks | "Chunk" >> ChunkTasks(summary, self.chunk_size, self.workers)
        is_spread = self.is_distributed and self.workers > 1
        if deadline is not None:
            chunks = chunks | "InTurn" >> OrderChunks(1 if is_spread else self.workers)
        # Grouped by hash, one of two slots may get most of the chunks. These hold only names.
        ordered = chunks | "Spread" >> beam.Reshuffle() if is_spread else chunks
        specs = [model.bundle.spec for model in self.models]
        batches: list[beam.PCollection[Batch]] = ordered | "Load" >> LoadImages(
            specs, self.batch_size, deadline=deadline, runs=[model.run for model in self.models]
        )
        return batches

    def _stage(self, number: int, batches: beam.PCollection[Batch]) -> beam.PCollection[StagedChunk]:
        """Wires inference and staging of one model."""
        run, bundle = self.models[number].run, self.models[number].bundle
        bundle_ref = BundleRef(bundle.uri, bundle.digest, len(bundle.labels), self.engine)
        return (
            batches
            | f"Infer{number}" >> InferBatches(bundle_ref, self.batch_size, run)
            | f"Stage{number}" >> StageChunks(run, replace(bundle, files={}))
        )


def _checked(_: None, summaries: Iterable[ListingSummary], runs: Sequence[Run], limit: int | None) -> ListingSummary:
    """Adds up the listing, refuses a store that has moved, and announces how many photographs will be scored."""
    with recorded(runs[0]):
        summary = check_moved(total(list(summaries), runs), runs)
        announce(runs[0], within_limit(summary.tasks, limit))
        return summary
