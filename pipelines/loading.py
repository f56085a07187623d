"""From photographs to batches of pixels."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import apache_beam as beam

from melanoma import storage
from melanoma.images import ImageSpec
from melanoma.inputs import ImageRef, digest_of
from melanoma.loading import Batch, Chunk, load_batches

_SMALLEST, _LARGEST = 64, 1000
_CHUNKS_PER_WORKER = 8
_CORES = os.cpu_count() or 1


class ChunkImages(beam.PTransform):
    """Groups photographs into chunks by a hash of their URI, so that two refs to one photograph meet.

    Input: `ImageRef`. Output: `Chunk`.
    """

    def __init__(self, chunk_size: int | None = None, workers: int = 1) -> None:
        """Says how large chunks are.

        Args:
            chunk_size: Photographs in a chunk, on average; None for an eighth of a worker's share, 64 to 1000.
            workers: Of the runner.

        Raises:
            ValueError: Either is below 1.
        """
        super().__init__()
        if workers < 1 or (chunk_size is not None and chunk_size < 1):
            raise ValueError(f"chunk_size {chunk_size} and workers {workers} must be at least 1")
        self._chunk_size, self._workers = chunk_size, workers

    def expand(self, refs: beam.PCollection) -> beam.PCollection:
        """Wires count, key and group."""
        count = refs | "CountImages" >> beam.combiners.Count.Globally()
        chunks = count | "CountChunks" >> beam.Map(chunk_count, self._chunk_size, self._workers)
        return (
            refs
            | "KeyByChunk" >> beam.Map(_key, beam.pvalue.AsSingleton(chunks))
            | "GroupChunk" >> beam.GroupByKey()
            | "AsChunk" >> beam.MapTuple(_chunk)
        )


def chunk_count(images: int, chunk_size: int | None, workers: int) -> int:
    """Gives the number of chunks for a number of photographs, at least 1."""
    size = chunk_size or min(max(images // (_CHUNKS_PER_WORKER * workers), _SMALLEST), _LARGEST)
    return max(1, round(images / size))


def _key(ref: ImageRef, chunks: int) -> tuple[int, ImageRef]:
    return int.from_bytes(digest_of(ref.uri, "")[:8], "big") % chunks, ref


def _chunk(number: int, refs: Iterable[ImageRef]) -> Chunk:
    return Chunk(number, tuple(refs))


class LoadImages(beam.PTransform):
    """Reads and decodes photographs ahead of whoever consumes the batches.

    Input: `Chunk`, or single photographs as `ImageRef` or URI. Output: `Batch`, never across chunks.
    """

    def __init__(self, spec: ImageSpec, batch_size: int = 32, threads: int | None = None) -> None:
        """Says what a batch is.

        Args:
            spec: What the decoder must deliver.
            batch_size: Decoded photographs in a full batch.
            threads: That read and decode; None for two a core from a local disk, 16 or more from a distant store.

        Raises:
            ValueError: `batch_size` or `threads` is below 1.
        """
        super().__init__()
        if batch_size < 1 or (threads is not None and threads < 1):
            raise ValueError(f"batch_size {batch_size} and threads {threads} must be at least 1")
        self._spec, self._batch_size, self._threads = spec, batch_size, threads

    def expand(self, chunks: beam.PCollection) -> beam.PCollection:
        """Wires the loader."""
        return chunks | "ReadAndDecode" >> beam.ParDo(_LoadFn(self._spec, self._batch_size, self._threads))


class _LoadFn(beam.DoFn):
    def __init__(self, spec: ImageSpec, batch_size: int, threads: int | None) -> None:
        self._spec, self._batch_size, self._threads = spec, batch_size, threads

    def setup(self) -> None:
        # A local disk costs processor time, of which there is no more than cores; a distant store costs waiting.
        near, far = self._threads or 2 * _CORES, self._threads or max(16, 4 * _CORES)
        self._near = ThreadPoolExecutor(near, thread_name_prefix="load")
        self._far = ThreadPoolExecutor(far, thread_name_prefix="load")

    def process(self, element: Chunk | ImageRef | str) -> Iterator[Batch]:
        chunk = _as_chunk(element)
        pool = self._near if storage.local_path(chunk.refs[0].uri) else self._far
        yield from load_batches(chunk, self._spec, self._batch_size, pool)

    def teardown(self) -> None:
        for pool in (self._near, self._far):
            pool.shutdown(wait=False, cancel_futures=True)


def _as_chunk(element: Chunk | ImageRef | str) -> Chunk:
    if isinstance(element, Chunk):
        return element
    if isinstance(element, str):
        stored = storage.stat(element)
        element = ImageRef(stored.uri, stored.version, stored.size, storage.stem_of(stored.uri))
    return Chunk(_key(element, 2**31)[0], (element,))
