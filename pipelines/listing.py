"""From sources to what has to be scored: listed once, and asked of the ledgers page by page, before any shuffle."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from melanoma.ingest.sources import Root, Source, list_images
from melanoma.runs.ledger import Ledger, load_ledgers
from melanoma.runs.planning import ListingSummary, empty_summary, plan_tasks, timed
from melanoma.runs.run import Run

FOUND = "found"
_PAGE = 4096


class ListTasks(beam.PTransform):
    """Lists sources and keeps what the models of a night have still to score.

    Input: `Source` or str. Output: a dict with `tasks` of `Task`, materialised once, so that a retry downstream never
    lists again, and `found` of one `Found` a source. Both come from one pass: a photograph that is counted as listed is
    counted as skipped or adopted too, or is among the tasks.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        """Takes the runs of the night, one a model, whose tables and stagings count."""
        super().__init__()
        self._runs = tuple(runs)

    def expand(self, sources: beam.PCollection) -> Any:
        """Wires the listing."""
        listed = sources | "ListAndAsk" >> beam.ParDo(_AskFn(self._runs)).with_outputs(FOUND, main="tasks")
        return {"tasks": listed.tasks | "KeepTasks" >> beam.Reshuffle(), FOUND: listed[FOUND]}


class _AskFn(beam.DoFn):
    def __init__(self, runs: tuple[Run, ...]) -> None:
        self._runs = runs
        self._ledgers: list[Ledger] | None = None

    def process(self, source: Source | str) -> Iterator[Any]:
        began = time.perf_counter()
        ledgers = self._ledgers = self._ledgers or load_ledgers(self._runs)
        ignored, found = Counter[str](), empty_summary(self._runs)
        refs = list_images(Root(source) if isinstance(source, str) else source, ignored)
        while page := list(islice(refs, _PAGE)):
            tasks, of_page = plan_tasks(ledgers, page)
            found += of_page
            yield from tasks
        yield TaggedOutput(FOUND, timed(found, time.perf_counter() - began, ignored))


def total(found: Sequence[ListingSummary], runs: Sequence[Run]) -> ListingSummary:
    """Adds up what the sources of a night gave."""
    return sum(found, empty_summary(runs))
