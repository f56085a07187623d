"""The last transform of a run: everything that it staged becomes one commit, or nothing does."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from melanoma.errors import NothingCommittedError
from melanoma.runs.commit import RunTotals, end_run
from melanoma.runs.failures import recorded
from melanoma.runs.planning import ListingSummary
from melanoma.runs.records import RunRecord
from melanoma.runs.run import Run, enter_worker
from melanoma.runs.staging import StagedChunk
from pipelines.annotations import for_readers
from pipelines.choosing import ChosenTasks, within_limit


@dataclass(frozen=True)
class CommitSettings:
    """What is known about the end of a run before it starts.

    Attributes:
        run: The run of one model.
        model: Position of the model among those of the pipeline.
        limit: The most photographs to score, or None for no limit.
        workers: Number of worker processes.
    """

    run: Run
    model: int
    limit: int | None = None
    workers: int = 1


@dataclass(eq=False)
class CommitRun(beam.PTransform):
    """Ends the run of one model. Input: `StagedChunk`. Output: one `RunRecord`.

    The totals are PCollections of one element each, so that a runner which drops a branch cannot make the counts add
    up.

    Attributes:
        settings: What is known beforehand.
        summary: One `ListingSummary`.
        chosen: One `ChosenTasks`.
        after: Record of the run that must commit before this one; None for the first.
    """

    settings: CommitSettings
    summary: beam.PCollection[ListingSummary]
    chosen: beam.PCollection[ChosenTasks]
    after: beam.PCollection[RunRecord] | None = None

    @for_readers
    def expand(self, staged: beam.PCollection[StagedChunk]) -> beam.PCollection[RunRecord]:
        """Wires the end of the run."""
        once = staged.pipeline | "Once" >> beam.Create([self.settings], reshuffle=False)
        return once | "EndRun" >> beam.Map(
            _end_run,
            chunks=beam.pvalue.AsList(staged),
            summary=beam.pvalue.AsSingleton(self.summary),
            chosen=beam.pvalue.AsSingleton(self.chosen),
            after=beam.pvalue.AsList(self.after) if self.after is not None else (),
        )


def _end_run(
    settings: CommitSettings,
    *,
    chunks: Iterable[StagedChunk],
    summary: ListingSummary,
    chosen: ChosenTasks,
    after: Iterable[RunRecord],  # unused: it makes the runner wait for the run before
) -> RunRecord:
    enter_worker(settings.run)
    with recorded(settings.run):
        return end_run(settings.run, totals_of(settings, summary, chosen), list(chunks))


def totals_of(settings: CommitSettings, summary: ListingSummary, chosen: ChosenTasks) -> RunTotals:
    """Returns what the rows of a run must add up to.

    Raises:
        NothingCommittedError: The runner has lost tasks between the listing and the choice.
    """
    if chosen.tasks != within_limit(summary.tasks, settings.limit):
        raise NothingCommittedError(
            f"{summary.tasks} photographs were to be scored, {chosen.tasks} arrived; the rest was lost on the way, "
            "so nothing was committed; start again, and choose another --runner if it happens again"
        )
    counts = summary.by_model[settings.model]
    return RunTotals(
        listed=summary.listed,
        skipped=counts.skipped,
        deferred=counts.new - chosen.by_model[settings.model],
        adopted=counts.adopted,
        ignored=summary.ignored,
        seconds=summary.seconds,
        workers=settings.workers,
        other_shard=counts.other_shard,
        other_waiting=counts.other_waiting,
        timeline=summary.timeline,
    )
