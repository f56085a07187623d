"""The whole run as one composite."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import apache_beam as beam

from melanoma.ingest.batches import Batch
from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.sources import Source
from melanoma.ingest.tasks import Chunk, Task
from melanoma.runs.failures import recorded
from melanoma.runs.planning import ListingSummary, check_moved
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun, Run
from melanoma.runs.staging import StagedChunk, announce
from pipelines.annotations import for_readers
from pipelines.commit import ChosenTasks, CommitRun
from pipelines.inference import BundleRef, InferBatches
from pipelines.listing import ListTasks, total
from pipelines.loading import ChunkTasks, InTurn, LoadImages
from pipelines.staging import StageChunks


@dataclass(eq=False)
class ScoreImages(beam.PTransform):
    """Scores what sources list and the table does not hold. Input: `Source`. Output: one `RunRecord` a model.

    Every photograph is listed and read once, whatever the number of models; all else is each model's own.

    Attributes:
        models: That score, each with a run of its own.
        batch_size: Photographs in a batch of a network, at least 1.
        chunk_size: Photographs that are staged together, on average; None to let their number decide.
        limit: The most photographs to score, or None for no limit.
        workers: Number of worker processes.
    """

    models: Sequence[ModelRun]
    batch_size: int = 32
    chunk_size: int | None = None
    limit: int | None = None
    workers: int = 1

    @for_readers
    def expand(self, sources: beam.PCollection[Source]) -> beam.PCollection[RunRecord]:
        """Reads like the run: list, look up, chunk, load, infer, stage, commit."""
        runs = [model.run for model in self.models]
        listing = sources | "List" >> ListTasks(runs)
        once = sources.pipeline | "SummaryOnce" >> beam.Create([None], reshuffle=False)
        summary = once | "Summary" >> beam.Map(_checked, beam.pvalue.AsList(listing.summaries), runs, self.limit)
        tasks = listing.tasks if self.limit is None else listing.tasks | "Limit" >> _Limit(self.limit)
        chosen = tasks | "CountChosen" >> beam.CombineGlobally(_CountTasks(len(runs)))
        records: list[beam.PCollection[RunRecord]] = []
        for number, batches in enumerate(self._load(tasks, summary)):
            committing = CommitRun(
                self.models[number].run,
                number,
                summary,
                chosen,
                self.limit,
                self.workers,
                after=records[-1] if records else None,
            )
            records.append(self._stage(number, batches) | f"Commit{number}" >> committing)
        return records | "Records" >> beam.Flatten()

    def _load(
        self, tasks: beam.PCollection[Task], summary: beam.PCollection[ListingSummary]
    ) -> list[beam.PCollection[Batch]]:
        """Wires chunks and loader; returns the batches of each model."""
        deadline = self.models[0].run.deadline
        chunks: beam.PCollection[Chunk] = tasks | "Chunk" >> ChunkTasks(summary, self.chunk_size, self.workers)
        in_turn = chunks if deadline is None else chunks | "InTurn" >> InTurn(self.workers)
        specs = [model.bundle.spec for model in self.models]
        batches: list[beam.PCollection[Batch]] = in_turn | "Load" >> LoadImages(
            specs, self.batch_size, deadline=deadline, run=self.models[0].run
        )
        return batches

    def _stage(self, number: int, batches: beam.PCollection[Batch]) -> beam.PCollection[StagedChunk]:
        """Wires network and staging of one model."""
        run, bundle = self.models[number].run, self.models[number].bundle
        bundle_ref = BundleRef(bundle.uri, bundle.digest, len(bundle.labels))
        return (
            batches
            | f"Infer{number}" >> InferBatches(bundle_ref, self.batch_size, run)
            | f"Stage{number}" >> StageChunks(run, replace(bundle, files={}))
        )


def _checked(_: None, summaries: Iterable[ListingSummary], runs: Sequence[Run], limit: int | None) -> ListingSummary:
    """Adds the listing up, refuses a moved store, and announces how many photographs there are to score."""
    with recorded(runs[0]):
        summary = check_moved(total(list(summaries), runs), runs)
        announce(runs[0], min(limit or summary.tasks, summary.tasks))
        return summary


@dataclass(eq=False)
class _Limit(beam.PTransform):
    """Keeps a number of tasks, those that an earlier run deferred first, the same ones on every start."""

    limit: int

    @for_readers
    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[Task]:
        first = tasks | beam.combiners.Top.Smallest(self.limit, key=_order)
        return first | "Flatten" >> beam.FlatMap(_as_is)


def _order(task: Task) -> tuple[bool, bytes]:
    return not task.was_deferred, digest_of(task.ref.uri, task.ref.version)


def _as_is(tasks: Iterable[Task]) -> Iterable[Task]:
    return tasks


class _CountTasks(beam.CombineFn):
    """Counts tasks, in all and for each model."""

    def __init__(self, models: int) -> None:
        self._models = models

    def create_accumulator(self) -> ChosenTasks:
        return ChosenTasks(0, (0,) * self._models)

    def add_input(self, counts: ChosenTasks, task: Task) -> ChosenTasks:
        by_model = (count + bool(tries) for count, tries in zip(counts.by_model, task.attempts, strict=True))
        return ChosenTasks(counts.tasks + 1, tuple(by_model))

    def merge_accumulators(self, several: Iterable[ChosenTasks]) -> ChosenTasks:
        counts = list(several)
        by_model = map(sum, zip(*(count.by_model for count in counts), strict=True))
        return ChosenTasks(sum(count.tasks for count in counts), tuple(by_model))

    def extract_output(self, counts: ChosenTasks) -> ChosenTasks:
        return counts
