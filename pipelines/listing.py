"""From sources to chunks of photographs: listed once, looked up in the ledgers, and cut, before any shuffle."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source
from melanoma.ingest.tasks import PackedChunk
from melanoma.runs.failures import recorded
from melanoma.runs.lister import Lister, PlannedRun
from melanoma.runs.run import Run, enter_worker
from melanoma.runs.task_waves import WaveSettings
from pipelines.annotations import for_readers

_PLANNED = "planned"


class Listing(NamedTuple):
    """The output of a listing.

    Attributes:
        chunks: Photographs that at least one model has to score, in the order of the chunks' numbers.
        planned: One `PlannedRun`.
    """

    chunks: beam.PCollection[PackedChunk]
    planned: beam.PCollection[PlannedRun]


@dataclass(eq=False)
class ListChunks(beam.PTransform):
    """Lists sources and keeps what the models of a run still have to score. Input: `Source` or str. Output: `Listing`.

    Chunks and counts come from one pass: a photograph that is counted as listed is also counted as skipped or resumed,
    or it is in a chunk. All sources are listed by one worker, which takes no more memory than a wave of tasks: whoever
    consumes the chunks in the same stage gets them while the listing goes on, if that can be.

    Attributes:
        runs: The run of each model; its table and staged rows decide what is left to score.
        settings: How the run is divided.
    """

    runs: Sequence[Run]
    settings: WaveSettings = field(default_factory=WaveSettings)

    @for_readers
    def expand(self, sources: beam.PCollection[Source | str]) -> Listing:
        """Wires the listing."""
        once = sources.pipeline | "ListOnce" >> beam.Create([None], reshuffle=False)
        list_all = beam.ParDo(_ListFn(tuple(self.runs), self.settings), beam.pvalue.AsList(sources))
        listed = once | "ListAndLookUp" >> list_all.with_outputs(_PLANNED, main="chunks")
        return Listing(listed.chunks, listed[_PLANNED])


class _ListFn(beam.DoFn):
    """Lists all sources."""

    def __init__(self, runs: tuple[Run, ...], settings: WaveSettings) -> None:
        self._runs, self._settings = runs, settings

    def setup(self) -> None:
        """Prepares the process."""
        enter_worker(self._runs[0])

    def process(self, _: None, sources: Iterable[Source | str]) -> Iterator[Any]:
        """Yields the chunks, and what they amount to as the last element."""
        with recorded(self._runs[0]):
            roots = [Root(source) if isinstance(source, str) else source for source in sources]
            lister = Lister(self._runs, roots, self._settings)
            yield from lister.chunks()
            yield TaggedOutput(_PLANNED, lister.planned())
