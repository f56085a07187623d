"""From sources to tasks: photographs are listed once, and looked up in the ledgers page by page, before any shuffle."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from melanoma import storage
from melanoma.errors import NothingCommittedError, ReadError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source, list_images
from melanoma.ingest.tasks import Task
from melanoma.runs.failures import recorded
from melanoma.runs.ledger import Ledger, load_ledgers
from melanoma.runs.planning import ListingSummary, empty_summary, plan_tasks, timed
from melanoma.runs.run import Run, enter_worker
from melanoma.runs.stopped_runs import look
from melanoma.table.score_table import ScoreTable
from pipelines.annotations import for_readers

_SUMMARY = "summary"
_PAGE = 4096
_AFTER_DEADLINE_SECONDS = 30.0


class Listing(NamedTuple):
    """The output of a listing.

    Attributes:
        tasks: Photographs that at least one model has to score; kept by the runner, so that a retry of a later step
            does not list again.
        summaries: One `ListingSummary` per source.
    """

    tasks: beam.PCollection[Task]
    summaries: beam.PCollection[ListingSummary]


@dataclass(eq=False)
class ListTasks(beam.PTransform):
    """Lists sources and keeps what the models of a run still have to score. Input: `Source` or str. Output: `Listing`.

    Tasks and summaries come from one pass: a photograph that is counted as listed is also counted as skipped or
    resumed, or it is among the tasks.

    Attributes:
        runs: The run of each model; its table and staged rows decide what is left to score.
    """

    runs: Sequence[Run]

    @for_readers
    def expand(self, sources: beam.PCollection[Source | str]) -> Listing:
        """Wires the listing."""
        listed = sources | "ListAndLookUp" >> beam.ParDo(_ListFn(tuple(self.runs))).with_outputs(_SUMMARY, main="tasks")
        return Listing(listed.tasks | "KeepTasks" >> beam.Reshuffle(), listed[_SUMMARY])


class _ListFn(beam.DoFn):
    """Lists one source after the other, with ledgers that are loaded once."""

    def __init__(self, runs: tuple[Run, ...]) -> None:
        self._runs = runs
        self._ledgers: list[Ledger] | None = None
        self._spelling: storage.Spelling | None = None

    def setup(self) -> None:
        """Prepares the process."""
        enter_worker(self._runs[0])

    def process(self, source: Source | str) -> Iterator[Any]:
        """Yields the tasks of a source, and its summary as the last element."""
        with recorded(self._runs[0]):
            began = time.perf_counter()
            ledgers = self._ledgers = self._ledgers or load_ledgers(self._runs)
            ignored, summary = Counter[str](), empty_summary(self._runs)
            refs = list_images(Root(source) if isinstance(source, str) else source, ignored)
            while page := _next_page(refs, self._runs[0]):
                look(self._runs[0])
                tasks, of_page = plan_tasks(ledgers, page, self._runs[0].shard)
                summary += of_page
                yield from (self._as_in_table(task) for task in tasks)
            yield TaggedOutput(_SUMMARY, timed(summary, time.perf_counter() - began, ignored, self._runs[0]))

    def _as_in_table(self, task: Task) -> Task:
        """Returns a task whose photograph has the name that the table knows, where the store has several."""
        if not storage.has_spellings(task.ref.uri):
            return task
        if self._spelling is None:
            run = self._runs[0]
            self._spelling = ScoreTable.at(run.layout, run.table_version).spelling()
        return task._replace(ref=task.ref._replace(uri=self._spelling.of(task.ref.uri)))


def _next_page(refs: Iterator[ImageRef], run: Run) -> list[ImageRef]:
    """Returns the next photographs of a listing; a store that hangs does not keep the run past its deadline.

    Raises:
        NothingCommittedError: The deadline of the run has passed, so that nothing could be scored any more.
    """
    if run.deadline is None:
        return list(islice(refs, _PAGE))
    ends = storage.clock_time(run.deadline) + _AFTER_DEADLINE_SECONDS
    try:
        with storage.no_later_than(ends):
            page = list(islice(refs, _PAGE))
    except ReadError:
        if time.monotonic() < ends:
            raise
        raise _late() from None
    if page and time.monotonic() >= ends:
        raise _late()
    return page


def _late() -> NothingCommittedError:
    return NothingCommittedError(
        "the listing had not ended by --stop-at or --max-time; nothing was read; give the run more time, or list fewer "
        "folders"
    )


def total(summaries: Sequence[ListingSummary], runs: Sequence[Run]) -> ListingSummary:
    """Adds up the summaries of the sources of a run."""
    return sum(summaries, empty_summary(runs))
