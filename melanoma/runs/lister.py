"""Lists the sources of a run page by page, looks the photographs up, and hands on what has to be scored as chunks.

The listing runs in a thread of its own and ahead of who takes the chunks. These can be taken while it goes on, if
nothing that it may still find can change what is scored, or in which order: the table knows no photograph, so that no
store has moved; none was deferred; there is no limit. Otherwise they wait until it has ended.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from melanoma import storage
from melanoma.errors import NothingCommittedError, ReadError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.sources import Source, list_images
from melanoma.ingest.tasks import PackedChunk, Task
from melanoma.runs.announcement import Announcement, announce
from melanoma.runs.chunk_queue import ChunkQueue
from melanoma.runs.ledger import Ledger, load_ledgers
from melanoma.runs.planning import ListingSummary, check_moved, empty_summary, plan_tasks, timed
from melanoma.runs.run import Run
from melanoma.runs.stopped_runs import look
from melanoma.runs.task_waves import ChosenTasks, TaskWaves, WaveSettings
from melanoma.table.score_table import ScoreTable

_PAGE = 4096
_SUMMED = 64  # summaries that are added up at once: each addition copies what killed runs have staged
_AFTER_DEADLINE_SECONDS = 30.0
_ANNOUNCE_SECONDS = 5.0


class PlannedRun(NamedTuple):
    """What a run amounts to once its sources are listed.

    Attributes:
        summary: What the sources hold.
        chosen: What is scored of it.
    """

    summary: ListingSummary
    chosen: ChosenTasks


class Lister:
    """The listing of one launch, whose runs have a model each."""

    def __init__(self, runs: Sequence[Run], sources: Sequence[Source], settings: WaveSettings) -> None:
        """Starts nothing yet.

        Args:
            runs: Run of each model; in the folder of the first, the number of photographs is announced.
            sources: What is listed, one after the other.
            settings: How the run is divided.

        Raises:
            UsageError: No folder for temporary files can be used.
            NothingCommittedError: That folder is full.
        """
        self._runs, self._sources, self._settings = runs, sources, settings
        self._queue = ChunkQueue()
        self._spelling: storage.Spelling | None = None
        self._is_ahead = False
        self._listed, self._next_announcement = 0, time.monotonic() + _ANNOUNCE_SECONDS
        self._planned: PlannedRun | None = None

    def chunks(self) -> Iterator[PackedChunk]:
        """Lists the sources, and yields what has to be scored.

        Raises:
            ReadError: A source cannot be listed.
            UsageError: The same; or the store seems to have moved, and nothing was read.
            NothingCommittedError: The deadline has passed, the run was stopped, or there is no space to plan it.
        """
        threading.Thread(target=self._run, daemon=True, name="listing").start()
        yield from self._queue.chunks()

    def planned(self) -> PlannedRun:
        """Returns what the run amounts to, once all chunks are taken.

        Raises:
            RuntimeError: They are not.
        """
        if self._planned is None:
            raise RuntimeError("the listing has not ended")
        return self._planned

    def _run(self) -> None:
        try:
            self._list()
        except Exception as error:  # noqa: BLE001 - whoever takes the chunks raises it
            self._queue.end(error)
        else:
            self._queue.end()

    def _list(self) -> None:
        ledgers = load_ledgers(self._runs)
        waves = TaskWaves(self._queue, self._settings, len(self._runs))
        self._is_ahead = self._settings.limit is None and all(map(_cannot_object, self._runs, ledgers))
        if self._is_ahead:
            self._queue.open()
        pages, summary = list[ListingSummary](), empty_summary(self._runs)
        for source in self._sources:
            for tasks, of_page in self._pages(source, ledgers):
                if self._queue.is_abandoned:
                    return
                waves.add(tasks)
                pages.append(of_page)
                self._announce_listed(of_page.listed)
                if len(pages) == _SUMMED:
                    summary, pages = summary + sum(pages, empty_summary(self._runs)), []
        summary = check_moved(sum(pages, summary), self._runs)
        chosen = waves.end()
        announce(self._runs[0], Announcement(chosen.tasks))
        self._planned = PlannedRun(summary, chosen)

    def _announce_listed(self, added: int) -> None:
        self._listed += added
        if time.monotonic() >= self._next_announcement:
            self._next_announcement = time.monotonic() + _ANNOUNCE_SECONDS
            with contextlib.suppress(NothingCommittedError, ReadError):  # it is only shown
                announce(self._runs[0], Announcement(self._listed, is_final=False))

    def _pages(self, source: Source, ledgers: Sequence[Ledger]) -> Iterator[tuple[list[Task], ListingSummary]]:
        """Yields the tasks and the summary of each page; the last summary has the ignored files of the source."""
        ignored, began = Counter[str](), time.perf_counter()
        refs = list_images(source, ignored)
        while page := self._next_page(refs):
            look(self._runs[0])
            tasks, summary = plan_tasks(ledgers, page, self._runs[0].shard)
            tasks = [self._as_in_table(task) for task in tasks]
            now = time.perf_counter()
            yield tasks, timed(summary, now - began, Counter(), self._runs[0])
            began = now
        rest = time.perf_counter() - began
        yield [], timed(empty_summary(self._runs), rest, ignored, self._runs[0])

    def _as_in_table(self, task: Task) -> Task:
        """Returns a task whose photograph has the name that the table knows, where the store has several."""
        if not storage.has_spellings(task.ref.uri):
            return task
        if self._spelling is None:
            run = self._runs[0]
            self._spelling = ScoreTable.at(run.layout, run.table_version).spelling()
        return task._replace(ref=task.ref._replace(uri=self._spelling.of(task.ref.uri)))

    def _next_page(self, refs: Iterator[ImageRef]) -> list[ImageRef]:
        """Returns the next photographs of a listing; a store that hangs does not keep the run past its deadline.

        Raises:
            NothingCommittedError: The deadline of the run has passed, so that nothing could be scored any more.
        """
        deadline = self._runs[0].deadline
        if deadline is None:
            return list(islice(refs, _PAGE))
        ends = storage.clock_time(deadline) + _AFTER_DEADLINE_SECONDS
        try:
            with storage.no_later_than(ends):
                page = list(islice(refs, _PAGE))
        except ReadError:
            if time.monotonic() < ends:
                raise
            raise self._late() from None
        if page and time.monotonic() >= ends:
            raise self._late()
        return page

    def _late(self) -> NothingCommittedError:
        so_far = (
            "nothing was committed, and what is scored waits for the next run" if self._is_ahead else "nothing was read"
        )
        return NothingCommittedError(
            f"the listing had not ended by --stop-at or --max-time; {so_far}; give the run more time, or list fewer "
            "folders"
        )


def _cannot_object(run: Run, ledger: Ledger) -> bool:
    """Tells whether nothing that is listed can show that a store has moved, or has to come first."""
    return (run.rescore or ledger.known == 0) and not ledger.has_deferred
