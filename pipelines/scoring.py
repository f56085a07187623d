"""The whole night as one composite."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import apache_beam as beam

from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.loading import Task
from melanoma.runs.planning import ListingSummary, check_moved
from melanoma.runs.run import ModelRun, Run
from melanoma.runs.staging import announce
from pipelines.commit import CommitRun
from pipelines.inference import BundleRef, InferBatches
from pipelines.listing import FOUND, ListTasks, total
from pipelines.loading import ChunkTasks, InTurn, LoadImages
from pipelines.staging import StageChunks


@dataclass(eq=False)
class ScoreImages(beam.PTransform):
    """Scores what sources list and the table does not hold. Input: `Source`. Output: one `RunRecord` a model.

    Every photograph is listed and read once, whatever the number of models; all else is each model's own.

    Attributes:
        models: Of the night, each with a run of its own.
        batch_size: Photographs in a batch of a network, at least 1.
        chunk_size: Photographs that are staged together, on average; None to let their number decide.
        limit: Score at most so many; None for all.
        workers: Of the runner.
    """

    models: Sequence[ModelRun]
    batch_size: int = 32
    chunk_size: int | None = None
    limit: int | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        """Lets Beam name the transform."""
        super().__init__()

    def expand(self, sources: beam.PCollection) -> beam.PCollection:
        """Reads like the night: list, skip, chunk, load, infer, stage, commit."""
        runs, deadline = [model.run for model in self.models], self.models[0].run.deadline
        listing = sources | "List" >> ListTasks(runs)
        found = _once(sources, "ListingSummary", _checked, beam.pvalue.AsList(listing[FOUND]), runs, self.limit)
        chosen = listing["tasks"] if self.limit is None else listing["tasks"] | "Limit" >> _Limit(self.limit)
        chunks = chosen | "Chunk" >> ChunkTasks(found, self.chunk_size, self.workers)
        in_turn = chunks if deadline is None else chunks | "InTurn" >> InTurn(self.workers)
        specs = [model.bundle.spec for model in self.models]
        batches = in_turn | "Load" >> LoadImages(specs, self.batch_size, deadline=deadline)
        counted = chosen | "CountChosen" >> beam.CombineGlobally(_CountTasks(len(runs)))
        records: list[beam.PCollection] = []
        for number, (model, loaded) in enumerate(zip(self.models, batches, strict=True)):
            described = replace(model.bundle, files={})
            bundle_ref = BundleRef(model.bundle.uri, model.bundle.digest, len(model.bundle.labels))
            staged = (
                loaded
                | f"Infer{number}" >> InferBatches(bundle_ref, self.batch_size)
                | f"Stage{number}" >> StageChunks(model.run, described)
            )
            ended = staged | f"Commit{number}" >> CommitRun(
                model.run,
                number,
                found=found,
                chosen=counted,
                limit=self.limit,
                workers=self.workers,
                after=records[-1] if records else None,
            )
            records.append(ended)
        return records | "Records" >> beam.Flatten()


def _once(sources: beam.PCollection, label: str, function: object, *args: object) -> beam.PCollection:
    return (
        sources.pipeline | f"{label}Once" >> beam.Create([None], reshuffle=False) | label >> beam.Map(function, *args)
    )


def _checked(_: None, found: Iterable[ListingSummary], runs: Sequence[Run], limit: int | None) -> ListingSummary:
    """Adds the listing up, refuses a moved store, and tells whoever watches how much there is to do."""
    summed = check_moved(total(list(found), runs), runs)
    announce(runs[0], min(limit or summed.tasks, summed.tasks))
    return summed


class _Limit(beam.PTransform):
    """Keeps a number of tasks, what was put off before first, the same ones on every start."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        first = tasks | beam.combiners.Top.Smallest(self._limit, key=_order)
        return first | "Flatten" >> beam.FlatMap(_as_is)


def _order(task: Task) -> tuple[bool, bytes]:
    return not task.is_leftover, digest_of(task.ref.uri, task.ref.version)


def _as_is(tasks: Iterable[Task]) -> Iterable[Task]:
    return tasks


class _CountTasks(beam.CombineFn):
    """Counts tasks, in all and for each model."""

    def __init__(self, models: int) -> None:
        self._models = models

    def create_accumulator(self) -> tuple[int, ...]:
        return (0,) * (1 + self._models)

    def add_input(self, counts: tuple[int, ...], task: Task) -> tuple[int, ...]:
        return counts[0] + 1, *(count + bool(tries) for count, tries in zip(counts[1:], task.attempts, strict=True))

    def merge_accumulators(self, several: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
        return tuple(map(sum, zip(*several, strict=True)))

    def extract_output(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        return counts
