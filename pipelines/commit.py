"""The last transform of a run: everything that it staged becomes one commit, or nothing does."""

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from melanoma.runs.commit import end_run
from melanoma.runs.failures import recorded
from melanoma.runs.lister import PlannedRun
from melanoma.runs.records import RunRecord
from melanoma.runs.run import Run, enter_worker
from melanoma.runs.run_totals import RunTotals
from melanoma.runs.staging import StagedChunk
from pipelines.annotations import for_readers


@dataclass(frozen=True)
class CommitSettings:
    """What is known about the end of a run before it starts.

    Attributes:
        run: The run of one model.
        model: Position of the model among those of the pipeline.
        workers: Number of worker processes.
    """

    run: Run
    model: int
    workers: int = 1


@dataclass(eq=False)
class CommitRun(beam.PTransform):
    """Ends the run of one model. Input: `StagedChunk`. Output: one `RunRecord`.

    The plan is a PCollection of one element, so that a runner which drops a branch cannot make the counts add up.

    Attributes:
        settings: What is known beforehand.
        planned: One `PlannedRun`.
        after: Record of the run that must commit before this one; None for the first.
    """

    settings: CommitSettings
    planned: beam.PCollection[PlannedRun]
    after: beam.PCollection[RunRecord] | None = None

    @for_readers
    def expand(self, staged: beam.PCollection[StagedChunk]) -> beam.PCollection[RunRecord]:
        """Wires the end of the run."""
        once = staged.pipeline | "Once" >> beam.Create([self.settings], reshuffle=False)
        return once | "EndRun" >> beam.Map(
            _end_run,
            chunks=beam.pvalue.AsList(staged),
            planned=beam.pvalue.AsSingleton(self.planned),
            after=beam.pvalue.AsList(self.after) if self.after is not None else (),
        )


def _end_run(
    settings: CommitSettings,
    *,
    chunks: Iterable[StagedChunk],
    planned: PlannedRun,
    after: Iterable[RunRecord],  # unused: it makes the runner wait for the run before
) -> RunRecord:
    enter_worker(settings.run)
    with recorded(settings.run):
        return end_run(settings.run, totals_of(settings, planned), list(chunks))


def totals_of(settings: CommitSettings, planned: PlannedRun) -> RunTotals:
    """Returns what the rows of a run must add up to."""
    summary, chosen = planned
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
        repeated=chosen.repeated[settings.model],
    )
