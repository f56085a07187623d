"""From chunks of photographs to batches of pixels."""

import datetime
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from melanoma import storage
from melanoma.errors import ReadError, UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch, LoadLimits, defer, load_batches
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.tasks import Chunk, Task
from melanoma.ingest.threads import default_threads
from melanoma.runs.chunking import uri_hash
from melanoma.runs.failures import recorded
from melanoma.runs.resumption import without_staged
from melanoma.runs.run import Run, enter_worker
from melanoma.runs.stopped_runs import look
from melanoma.table.forgotten import Forgotten
from pipelines.annotations import for_readers


@dataclass(eq=False)
class LoadImages(beam.PTransform):
    """Reads each photograph once and decodes it for each model, ahead of whoever consumes the batches.

    Input: `Chunk`, or single photographs as `ImageRef` or URI. Output: a list with one PCollection of `Batch` per
    model; a batch belongs to one chunk. A photograph that would be read after the deadline is deferred, and one whose
    bytes the run's table has forgotten is only counted.

    Attributes:
        specs: What the decoder must deliver to each model.
        batch_size: Number of decoded photographs in a full batch.
        threads: Number of threads that read and decode; None for the default of a local disk or a remote store.
        deadline: Moment, UTC, after which no photograph is begun; None for no deadline.
        runs: Runs of the models; in the first an error is recorded, and its table says what is forgotten. What they
            have staged before a runner repeated a step is not loaded again. Empty for no run.

    Raises:
        ValueError: `batch_size` or `threads` is below 1.
    """

    specs: Sequence[ImageSpec]
    batch_size: int = 32
    threads: int | None = None
    deadline: datetime.datetime | None = None
    runs: Sequence[Run] = ()

    def __post_init__(self) -> None:
        """Checks the numbers."""
        if self.batch_size < 1 or (self.threads is not None and self.threads < 1):
            raise ValueError(f"batch_size {self.batch_size} and threads {self.threads} must be at least 1")

    @for_readers
    def expand(self, chunks: beam.PCollection[Chunk | ImageRef | str]) -> list[beam.PCollection[Batch]]:
        """Wires the loader."""
        tags = [str(model) for model in range(len(self.specs))]
        settings = _LoadSettings(tuple(self.specs), self.batch_size, self.threads, self.deadline, tuple(self.runs))
        batches = chunks | "ReadAndDecode" >> beam.ParDo(_LoadFn(settings)).with_outputs(*tags)
        return [batches[tag] for tag in tags]


class _LoadSettings(NamedTuple):
    """The attributes of `LoadImages`, without the transform."""

    specs: tuple[ImageSpec, ...]
    batch_size: int
    threads: int | None
    deadline: datetime.datetime | None
    runs: tuple[Run, ...]


class _LoadFn(beam.DoFn):
    """Loads one chunk after the other, with threads that outlive them."""

    def __init__(self, settings: _LoadSettings) -> None:
        self._settings = settings
        self._forgotten: Forgotten | None = None
        self._knows_forgotten = False

    def setup(self) -> None:
        """Creates the threads for local and for remote photographs."""
        local, remote = (self._settings.threads or default_threads(is_local) for is_local in (True, False))
        self._local_pool = ThreadPoolExecutor(local, thread_name_prefix="load")
        self._remote_pool = ThreadPoolExecutor(remote, thread_name_prefix="load")
        self._limits = LoadLimits(self._settings.deadline)
        if self._settings.runs:
            enter_worker(self._settings.runs[0])

    def process(self, element: Chunk | ImageRef | str) -> Iterator[Any]:
        """Yields the batches of a chunk, each tagged with its model."""
        specs, runs = self._settings.specs, self._settings.runs
        with recorded(runs[0] if runs else None):
            if runs:
                look(runs[0])
            chunk = _as_chunk(element, len(specs))
            left, staged = without_staged(chunk, runs, specs)
            for model, batch in chain(staged, self._batches(left) if left.tasks else ()):
                yield TaggedOutput(str(model), batch)

    def _batches(self, chunk: Chunk) -> Iterator[tuple[int, Batch]]:
        specs, batch_size, _, deadline, _ = self._settings
        if deadline is not None and datetime.datetime.now(datetime.UTC) >= deadline:
            return defer(chunk, specs)
        pool = self._local_pool if _is_local(chunk.tasks[0].ref.stored) else self._remote_pool
        return load_batches(chunk, specs, batch_size, pool, self._read_forgotten(), self._limits)

    def _read_forgotten(self) -> Forgotten | None:
        """Reads the forgotten photographs with the first chunk: none can be added while a run is active."""
        if not self._knows_forgotten and self._settings.runs:
            self._forgotten = Forgotten.read(self._settings.runs[0].layout)
        self._knows_forgotten = True
        return self._forgotten

    def teardown(self) -> None:
        """Ends the threads."""
        for pool in (self._local_pool, self._remote_pool):
            pool.shutdown(wait=False, cancel_futures=True)


def _is_local(file: storage.StoredFile) -> bool:
    try:
        return storage.local_path(file.uri if file.span is None else storage.archive_of(file.uri)) is not None
    except (ReadError, UsageError):  # it will fail in its own row
        return True


def _as_chunk(element: Chunk | ImageRef | str, models: int) -> Chunk:
    """Returns a single photograph as a chunk of its own."""
    if isinstance(element, Chunk):
        return element
    if isinstance(element, str):
        stored = storage.stat(element)
        element = ImageRef(stored.uri, stored.version, stored.size, storage.stem_of(stored.uri))
    return Chunk(uri_hash(element.uri) % 2**31, (Task(element, (element.attempt,) * models),))
