"""Loads a chunk ahead of the networks, and hands each model its photographs as ready batches."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from melanoma.images.decoding import ImageSpec
from melanoma.ingest.image_refs import digest_of
from melanoma.ingest.loading import Decoded, Loaded, load
from melanoma.ingest.tasks import Chunk
from melanoma.table.forgotten import Forgotten

_BATCHES_IN_MEMORY = 3  # the one that is collected, and two ahead of it


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
        deferred: Digests of the photographs of a chunk that was not started.
        forgotten: Number of photographs of the chunk whose bytes are forgotten; counted on its last batch only.
    """

    chunk: int
    loaded: tuple[Loaded, ...]
    pixels: npt.NDArray[np.uint8]
    failures: tuple[Loaded, ...] = ()
    duplicates: int = 0
    is_last: bool = True
    deferred: tuple[bytes, ...] = ()
    forgotten: int = 0

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
            forgotten=self._forgotten if is_last else 0,
        )
        self._loaded, self._pixels, self._failures = [], [], []
        return batch

    def defer(self) -> Batch:
        """Returns an empty batch that defers the whole chunk."""
        deferred = tuple(digest_of(ref.uri, ref.version) for ref in self.refs)
        duplicates = self._chunk.duplicates_for(self._model)
        return Batch(self._chunk.number, (), self._no_pixels(), duplicates=duplicates, deferred=deferred)

    def _no_pixels(self) -> npt.NDArray[np.uint8]:
        return np.zeros((0, self._spec.height, self._spec.width, 3), np.uint8)


def _collectors(chunk: Chunk, specs: Sequence[ImageSpec]) -> list[_BatchCollector]:
    return [_BatchCollector(chunk, model, spec) for model, spec in enumerate(specs)]


def defer(chunk: Chunk, specs: Sequence[ImageSpec]) -> Iterator[tuple[int, Batch]]:
    """Yields each model that has photographs in a chunk, with an empty batch that defers them."""
    for model, collector in enumerate(_collectors(chunk, specs)):
        if collector.refs:
            yield model, collector.defer()


def load_batches(
    chunk: Chunk,
    specs: Sequence[ImageSpec],
    batch_size: int,
    pool: ThreadPoolExecutor,
    forgotten: Forgotten | None = None,
) -> Iterator[tuple[int, Batch]]:
    """Loads a chunk batch by batch, at most two batches ahead of the consumer; reads each photograph once.

    Args:
        chunk: What to load.
        specs: What the decoder must deliver to each model of the run.
        batch_size: Number of decoded photographs in a full batch; failures do not count.
        pool: Threads that read and decode.
        forgotten: Photographs whose bytes must not be scored; None for none.

    Yields:
        A model and its next batch; the photographs come in the order of `Chunk.distinct`. The last batch of a model is
        marked and may be empty. A model that has no photograph in this chunk gets no batch.
    """
    distinct_specs = list(dict.fromkeys(specs))
    collectors = _collectors(chunk, specs)
    refs = [task.ref for task in chunk.distinct()]
    pending = iter(refs)
    ahead: deque[Future[list[Decoded]]] = deque()
    try:
        for _ in refs:
            while len(ahead) < _BATCHES_IN_MEMORY * batch_size and (ref := next(pending, None)) is not None:
                ahead.append(pool.submit(load, ref, distinct_specs, forgotten))
            for model, collector in enumerate(collectors):
                if len(collector) == batch_size:
                    yield model, collector.take(is_last=False)
            decoded = ahead.popleft().result()
            for collector, spec in zip(collectors, specs, strict=True):
                collector.add(decoded[distinct_specs.index(spec)])
        for model, collector in enumerate(collectors):
            if collector.refs:
                yield model, collector.take(is_last=True)
    finally:
        for future in ahead:
            future.cancel()
