"""The last transform: everything that a run staged becomes one commit, or nothing does."""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam

from melanoma.errors import NothingCommittedError
from melanoma.runs.commit import RunTotals, end_run
from melanoma.runs.planning import ListingSummary
from melanoma.runs.records import RunRecord
from melanoma.runs.run import Run
from melanoma.runs.staging import StagedChunk


class CommitRun(beam.PTransform):
    """Ends the run of one model. Input: `StagedChunk`. Output: one `RunRecord`.

    The figures of the plan come as PCollections of one element each, so that a runner which drops a branch cannot make
    the counts add up.
    """

    def __init__(
        self,
        run: Run,
        model: int,
        *,
        found: beam.PCollection,
        chosen: beam.PCollection,
        limit: int | None,
        workers: int,
        after: beam.PCollection | None,
    ) -> None:
        """Takes the run and what the night found.

        Args:
            run: The run.
            model: Its place in the night.
            found: One `Found`.
            chosen: One tuple of int: tasks to be scored tonight, in all and for each model.
            limit: Of tasks; None for none.
            workers: Of the runner.
            after: Record of the run that commits before this one; None for the first.
        """
        super().__init__()
        self._run, self._model, self._limit, self._workers = run, model, limit, workers
        self._plan: dict[str, Any] = {
            "found": beam.pvalue.AsSingleton(found),
            "chosen": beam.pvalue.AsSingleton(chosen),
            "after": beam.pvalue.AsList(after) if after is not None else (),
        }

    def expand(self, staged: beam.PCollection) -> beam.PCollection:
        """Wires the end of the run."""
        once = staged.pipeline | "Once" >> beam.Create([self._run], reshuffle=False)
        fixed = {"model": self._model, "limit": self._limit, "workers": self._workers}
        return once | "EndRun" >> beam.Map(_end_run, chunks=beam.pvalue.AsList(staged), **fixed, **self._plan)


def _end_run(
    run: Run,
    *,
    chunks: Iterable[StagedChunk],
    found: ListingSummary,
    chosen: tuple[int, ...],
    after: Iterable[RunRecord],
    model: int,
    limit: int | None,
    workers: int,
) -> RunRecord:
    if chosen[0] != min(limit or found.tasks, found.tasks):
        raise NothingCommittedError(
            f"{found.tasks} photographs were to be scored, {chosen[0]} arrived; the rest was lost on the way, so "
            "nothing was committed; start again, and choose another --runner if it happens again"
        )
    answers = found.answers[model]
    deferred = answers.new - chosen[1 + model]
    plan = RunTotals(found.listed, answers.skipped, deferred, answers.adopted, found.ignored, found.seconds, workers)
    return end_run(run, plan, list(chunks))
