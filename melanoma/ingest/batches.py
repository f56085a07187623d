"""Loads a chunk ahead of the networks, and hands each model its photographs as ready batches."""

import datetime
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.errors import PhotographError
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.breaker import Breaker
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.loading import Decoded, Loaded, load
from melanoma.ingest.tasks import Chunk
from melanoma.table.forgotten import Forgotten

_BATCHES_IN_MEMORY = 3  # the one that is collected, and two ahead of it
_AFTER_DEADLINE_SECONDS = 20.0  # for what was begun before the deadline; the rest of a minute is for the commit


@dataclass(frozen=True)
class Batch:
    """Photographs that go through one network together.

    Attributes:
        chunk: Number of the chunk that they belong to.
        loaded: Decoded photographs, in the order of `pixels`.
        pixels: uint8 (n, height, width, 3), n from 0 to the batch size.
        failures: Photographs of the chunk that could not be loaded meanwhile.
        duplicates: Number of tasks of the chunk that repeat a photograph; counted on its last batch only.
        is_last: Whether the chunk ends here.
        deferred: Digests of the photographs of the chunk that the deadline left unread; on its last batch only.
        forgotten: Number of photographs of the chunk whose bytes are forgotten; counted on its last batch only.
        is_staged: Whether nothing is left to do: an earlier attempt of the same run has staged the chunk.
    """

    chunk: int
    loaded: tuple[Loaded, ...]
    pixels: npt.NDArray[np.uint8]
    failures: tuple[Loaded, ...] = ()
    duplicates: int = 0
    is_last: bool = True
    deferred: tuple[bytes, ...] = ()
    forgotten: int = 0
    is_staged: bool = False

    def __len__(self) -> int:
        """Returns the number of decoded photographs."""
        return len(self.loaded)


class _BatchCollector:
    """Collects the next batch of one model from the photographs of a chunk."""

    def __init__(self, chunk: Chunk, model: int, spec: ImageSpec) -> None:
        self._chunk, self._model, self._spec = chunk, model, spec
        self.refs = chunk.refs_for(model)
        self._ref_by_uri = {ref.uri: ref for ref in self.refs}
        self._loaded, self._pixels, self._failures = list[Loaded](), list[npt.NDArray[np.uint8]](), list[Loaded]()
        self._forgotten = 0
        self._deferred = list[bytes]()

    def __len__(self) -> int:
        return len(self._loaded)

    def add(self, decoded: Decoded) -> None:
        """Adds a photograph, unless this model need not score it."""
        if (ref := self._ref_by_uri.get(decoded.loaded.ref.uri)) is None:
            return
        loaded = decoded.loaded._replace(ref=ref)
        if loaded.is_forgotten:
            self._forgotten += 1
        elif decoded.pixels is None:
            self._failures.append(loaded)
        else:
            self._loaded.append(loaded)
            self._pixels.append(decoded.pixels)

    def leave(self, uri: str) -> None:
        """Defers a photograph, unless this model need not score it."""
        if (ref := self._ref_by_uri.get(uri)) is not None:
            self._deferred.append(digest_of(ref.uri, ref.version))

    def take(self, is_last: bool) -> Batch:
        """Returns what was collected as a batch, and starts the next one."""
        pixels = np.stack(self._pixels) if self._pixels else self._no_pixels()
        batch = Batch(
            self._chunk.number,
            tuple(self._loaded),
            pixels,
            tuple(self._failures),
            duplicates=self._chunk.duplicates_for(self._model) if is_last else 0,
            is_last=is_last,
            deferred=tuple(self._deferred) if is_last else (),
            forgotten=self._forgotten if is_last else 0,
        )
        self._loaded, self._pixels, self._failures = [], [], []
        return batch

    def _no_pixels(self) -> npt.NDArray[np.uint8]:
        return np.zeros((0, self._spec.height, self._spec.width, 3), np.uint8)


def _collectors(chunk: Chunk, specs: Sequence[ImageSpec]) -> list[_BatchCollector]:
    return [_BatchCollector(chunk, model, spec) for model, spec in enumerate(specs)]


def defer(chunk: Chunk, specs: Sequence[ImageSpec]) -> Iterator[tuple[int, Batch]]:
    """Yields each model that has photographs in a chunk, with an empty batch that defers them."""
    for model, collector in enumerate(_collectors(chunk, specs)):
        for ref in collector.refs:
            collector.leave(ref.uri)
        if collector.refs:
            yield model, collector.take(is_last=True)


@dataclass(frozen=True)
class LoadLimits:
    """When a worker stops reading photographs.

    Attributes:
        deadline: UTC; no photograph is begun after it, and those that are not there soon after are deferred too. None
            for no deadline.
        breaker: Ends the run if the store no longer delivers anything.
    """

    deadline: datetime.datetime | None = None
    breaker: Breaker = field(default_factory=Breaker)


def _load_in_time(
    ref: ImageRef, specs: Sequence[ImageSpec], forgotten: Forgotten | None, deadline: datetime.datetime | None
) -> list[Decoded] | None:
    """Loads a photograph; returns None if the deadline was reached before it was there."""
    if deadline is None:
        return load(ref, specs, forgotten)
    if datetime.datetime.now(datetime.UTC) >= deadline:
        return None
    with storage.no_later_than(storage.clock_time(deadline) + _AFTER_DEADLINE_SECONDS):
        decoded = load(ref, specs, forgotten)
    error = _read_error(decoded[0].loaded)
    is_late = error is not None and error.kind.is_transient and datetime.datetime.now(datetime.UTC) >= deadline
    return None if is_late else decoded


def _read_error(loaded: Loaded) -> PhotographError | None:
    return loaded.error if loaded.sha256 is None else None


def load_batches(
    chunk: Chunk,
    specs: Sequence[ImageSpec],
    batch_size: int,
    pool: ThreadPoolExecutor,
    forgotten: Forgotten | None = None,
    limits: LoadLimits | None = None,
) -> Iterator[tuple[int, Batch]]:
    """Loads a chunk batch by batch, at most two batches ahead of the consumer; reads each photograph once.

    Args:
        chunk: What to load.
        specs: What the decoder must deliver to each model of the run.
        batch_size: Number of decoded photographs in a full batch; failures do not count.
        pool: Threads that read and decode.
        forgotten: Photographs whose bytes must not be scored; None for none.
        limits: When to defer what is left, or to end the run; None for no limit.

    Yields:
        A model and its next batch; the photographs come in the order of `Chunk.distinct`. The last batch of a model is
        marked and may be empty. A model that has no photograph in this chunk gets no batch.

    Raises:
        NothingCommittedError: The store no longer delivers anything.
    """
    limits = limits or LoadLimits()
    distinct_specs = list(dict.fromkeys(specs))
    collectors = _collectors(chunk, specs)
    refs = [task.ref for task in chunk.distinct()]
    pending = iter(refs)
    ahead: deque[Future[list[Decoded] | None]] = deque()
    try:
        for next_ref in refs:
            while len(ahead) < _BATCHES_IN_MEMORY * batch_size and (ref := next(pending, None)) is not None:
                ahead.append(pool.submit(_load_in_time, ref, distinct_specs, forgotten, limits.deadline))
            for model, collector in enumerate(collectors):
                if len(collector) == batch_size:
                    yield model, collector.take(is_last=False)
            if (decoded := ahead.popleft().result()) is None:
                for collector in collectors:
                    collector.leave(next_ref.uri)
                continue
            limits.breaker.note(_read_error(decoded[0].loaded), decoded[0].loaded.read_seconds)
            for collector, spec in zip(collectors, specs, strict=True):
                collector.add(decoded[distinct_specs.index(spec)])
        for model, collector in enumerate(collectors):
            if collector.refs:
                yield model, collector.take(is_last=True)
    finally:
        for future in ahead:
            future.cancel()
