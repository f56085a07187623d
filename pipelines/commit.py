"""The last transform: everything that a run staged becomes one commit, or nothing does."""

from collections import Counter
from collections.abc import Iterable

import apache_beam as beam

from melanoma.commits import Plan, end_run
from melanoma.runs import Run, RunRecord
from melanoma.staging import StagedChunk


class CommitRun(beam.PTransform):
    """Ends a run. Input: `StagedChunk`. Output: one `RunRecord`.

    The figures of the plan come as PCollections of one element each, so that a runner which drops a branch cannot make
    the counts add up.
    """

    def __init__(
        self,
        run: Run,
        *,
        listed: beam.PCollection,
        skipped: beam.PCollection,
        deferred: beam.PCollection,
        adopted: beam.PCollection,
        ignored: beam.PCollection,
    ) -> None:
        """Takes the run and what it found.

        Args:
            run: The run.
            listed: One int.
            skipped: One int.
            deferred: One int.
            adopted: Digests, bytes.
            ignored: Counters of ignored files.
        """
        super().__init__()
        self._run = run
        self._plan = {
            "listed": beam.pvalue.AsSingleton(listed),
            "skipped": beam.pvalue.AsSingleton(skipped),
            "deferred": beam.pvalue.AsSingleton(deferred),
            "adopted": beam.pvalue.AsList(adopted),
            "ignored": beam.pvalue.AsList(ignored),
        }

    def expand(self, staged: beam.PCollection) -> beam.PCollection:
        """Wires the end of the run."""
        once = staged.pipeline | "Once" >> beam.Create([self._run], reshuffle=False)
        return once | "EndRun" >> beam.Map(_end_run, chunks=beam.pvalue.AsList(staged), **self._plan)


def _end_run(
    run: Run,
    *,
    chunks: Iterable[StagedChunk],
    listed: int,
    skipped: int,
    deferred: int,
    adopted: Iterable[bytes],
    ignored: Iterable[Counter[str]],
) -> RunRecord:
    plan = Plan(listed, skipped, deferred, list(adopted), sum(ignored, Counter[str]()))
    return end_run(run, plan, list(chunks))
