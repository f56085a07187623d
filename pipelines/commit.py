"""The last transform: everything that a run staged becomes one commit, or nothing does."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from melanoma.errors import NothingCommittedError
from melanoma.runs.commit import RunTotals, end_run
from melanoma.runs.failures import recorded
from melanoma.runs.planning import ListingSummary
from melanoma.runs.records import RunRecord
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk
from pipelines.annotations import for_readers


@dataclass(frozen=True)
class ChosenTasks:
    """Tasks that are to be scored in a run, after any limit.

    Attributes:
        tasks: Number of photographs.
        by_model: Number of them that each model has to score.
    """

    tasks: int
    by_model: tuple[int, ...]


@dataclass(eq=False)
class CommitRun(beam.PTransform):
    """Ends the run of one model. Input: `StagedChunk`. Output: one `RunRecord`.

    The totals come as PCollections of one element each, so that a runner which drops a branch cannot make the counts
    add up.

    Attributes:
        run: The run.
        model: Its place among the models.
        summary: One `ListingSummary`.
        chosen: One `ChosenTasks`.
        limit: The most photographs to score, or None for no limit.
        workers: Number of worker processes.
        after: Record of the run that commits before this one; None for the first.
    """

    run: Run
    model: int
    summary: beam.PCollection[ListingSummary]
    chosen: beam.PCollection[ChosenTasks]
    limit: int | None
    workers: int
    after: beam.PCollection[RunRecord] | None

    @for_readers
    def expand(self, staged: beam.PCollection[StagedChunk]) -> beam.PCollection[RunRecord]:
        """Wires the end of the run."""
        once = staged.pipeline | "Once" >> beam.Create([self.run], reshuffle=False)
        return once | "EndRun" >> beam.Map(
            _end_run,
            chunks=beam.pvalue.AsList(staged),
            summary=beam.pvalue.AsSingleton(self.summary),
            chosen=beam.pvalue.AsSingleton(self.chosen),
            after=beam.pvalue.AsList(self.after) if self.after is not None else (),
            model=self.model,
            limit=self.limit,
            workers=self.workers,
        )


def _end_run(
    run: Run,
    *,
    chunks: Iterable[StagedChunk],
    summary: ListingSummary,
    chosen: ChosenTasks,
    after: Iterable[RunRecord],
    model: int,
    limit: int | None,
    workers: int,
) -> RunRecord:
    with recorded(run):
        if chosen.tasks != min(limit or summary.tasks, summary.tasks):
            raise NothingCommittedError(
                f"{summary.tasks} photographs were to be scored, {chosen.tasks} arrived; the rest was lost on the way, "
                "so nothing was committed; start again, and choose another --runner if it happens again"
            )
        counts = summary.by_model[model]
        totals = RunTotals(
            listed=summary.listed,
            skipped=counts.skipped,
            deferred=counts.new - chosen.by_model[model],
            adopted=counts.adopted,
            ignored=summary.ignored,
            seconds=summary.seconds,
            workers=workers,
        )
        return end_run(run, totals, list(chunks))
