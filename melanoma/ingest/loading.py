"""Reads and decodes the photographs of a chunk ahead of the network, and hands them over as ready batches."""

import hashlib
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma import storage
from melanoma.errors import ErrorKind, ImageError, PhotographError, ReadError, UsageError
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.images.limits import Header
from melanoma.ingest.image_refs import ImageRef, digest_of, distinct


class Task(NamedTuple):
    """One photograph, and which models of a night have still to score it.

    Attributes:
        ref: Where it lies.
        attempts: Number of the try for each model of the night; 0 where it has nothing to do.
        was_deferred: Whether the night before put it off.
    """

    ref: ImageRef
    attempts: tuple[int, ...] = (1,)
    was_deferred: bool = False


@dataclass(frozen=True)
class Chunk:
    """Photographs that are scored and staged together.

    Attributes:
        number: Of the chunk; names its staged file.
        tasks: Photographs, duplicates included.
    """

    number: int
    tasks: tuple[Task, ...]

    def distinct(self) -> list[Task]:
        """Drops all but one of the tasks of one photograph, in an order that does not depend on the runner."""
        tasks = {task.ref: task for task in self.tasks}
        return [tasks[ref] for ref in distinct([task.ref for task in self.tasks])]


class Loaded(NamedTuple):
    """What a row needs to know of one photograph besides its probabilities, and what it cost.

    Attributes:
        ref: Where it lies.
        width: Pixels, upright; None if its header could not be read.
        height: Pixels, upright; None if its header could not be read.
        sha256: Of the file's bytes, hex; None if they could not be read.
        error: None for a decoded photograph.
        bytes: Of the file, as far as they were read.
        read_seconds: From asking the store to having the bytes.
        decode_seconds: From the bytes to the pixels.
    """

    ref: ImageRef
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    error: PhotographError | None = None
    bytes: int = 0
    read_seconds: float = 0.0
    decode_seconds: float = 0.0


@dataclass(frozen=True)
class Batch:
    """Photographs that pass one network together.

    Attributes:
        chunk: Number of the chunk that they belong to.
        loaded: Decoded photographs, in the order of `pixels`.
        pixels: uint8 (n, height, width, 3), n from 0 to the batch size.
        failures: Photographs of the chunk that failed meanwhile.
        duplicates: Refs of the chunk that were listed before; said on the last batch.
        is_last: Whether the chunk ends here.
        deferred: Digests of the photographs of a chunk that was not begun.
    """

    chunk: int
    loaded: tuple[Loaded, ...]
    pixels: npt.NDArray[np.uint8]
    failures: tuple[Loaded, ...] = ()
    duplicates: int = 0
    is_last: bool = True
    deferred: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        """Number of decoded photographs."""
        return len(self.loaded)


Decoded = tuple[Loaded, npt.NDArray[np.uint8] | None]


def load(ref: ImageRef, specs: Sequence[ImageSpec]) -> list[Decoded]:
    """Reads one photograph and decodes it in every way asked for; what is wrong with it is told, not raised.

    Returns:
        For each of `specs` the photograph's facts, and its pixels, uint8 (height, width, 3), or None with an error.
    """
    facts, began = Loaded(ref), time.perf_counter()
    try:
        data = _read(ref)
        facts = facts._replace(bytes=len(data), read_seconds=time.perf_counter() - began)
    except PhotographError as error:
        facts = facts._replace(error=error, read_seconds=time.perf_counter() - began)
        return [(facts, None)] * len(specs)
    began = time.perf_counter()
    try:
        facts = facts._replace(sha256=hashlib.sha256(data).hexdigest())
        header = decoding.read_header(data)
        width, height = header.upright_size
        facts = facts._replace(width=width, height=height)
    except PhotographError as error:
        return [(facts._replace(error=error, decode_seconds=time.perf_counter() - began), None)] * len(specs)
    return [_decoded(facts, data, spec, header) for spec in specs]


def _read(ref: ImageRef) -> bytes:
    if ref.size > decoding.MAX_BYTES:
        raise ImageError(ErrorKind.TOO_LARGE, f"{ref.size} bytes; at most {decoding.MAX_BYTES} are read")
    if not ref.version:
        try:
            storage.stat(ref.stored.uri)
        except UsageError:
            raise ReadError(ErrorKind.BAD_NAME, "no store that can be used; mend the manifest") from None
        raise ReadError(ErrorKind.CHANGED, "it could not be seen when it was listed, and can be now")
    return storage.read_bytes(ref.stored.uri, ref.stored)


def _decoded(facts: Loaded, data: bytes, spec: ImageSpec, header: Header) -> Decoded:
    began = time.perf_counter()
    try:
        pixels = decoding.decode(data, spec, header)
    except PhotographError as error:
        return facts._replace(error=error, decode_seconds=time.perf_counter() - began), None
    return facts._replace(decode_seconds=time.perf_counter() - began), pixels


class _Gathered:
    """What of a chunk one model's next batch will hold."""

    def __init__(self, chunk: Chunk, model: int, spec: ImageSpec) -> None:
        self._number, self._spec = chunk.number, spec
        self.refs = _refs_of(model, chunk.distinct())
        self._duplicates = len(_refs_of(model, chunk.tasks)) - len(self.refs)
        self._wanted = {ref.uri: ref for ref in self.refs}
        self._loaded, self._pixels, self._failures = list[Loaded](), list[npt.NDArray[np.uint8]](), list[Loaded]()

    def __len__(self) -> int:
        return len(self._loaded)

    def add(self, facts: Loaded, pixels: npt.NDArray[np.uint8] | None) -> None:
        """Takes a photograph, unless this model has nothing to do with it."""
        if (ref := self._wanted.get(facts.ref.uri)) is None:
            return
        if pixels is None:
            self._failures.append(facts._replace(ref=ref))
        else:
            self._loaded.append(facts._replace(ref=ref))
            self._pixels.append(pixels)

    def batch(self, is_last: bool) -> Batch:
        stacked = np.stack(self._pixels) if self._pixels else _nothing(self._spec)
        loaded, failures, duplicates = tuple(self._loaded), tuple(self._failures), self._duplicates if is_last else 0
        self._loaded, self._pixels, self._failures = [], [], []
        return Batch(self._number, loaded, stacked, failures, duplicates, is_last)

    def put_off(self) -> Batch:
        deferred = tuple(digest_of(ref.uri, ref.version) for ref in self.refs)
        return Batch(self._number, (), _nothing(self._spec), (), self._duplicates, True, deferred)


def _refs_of(model: int, tasks: Iterable[Task]) -> list[ImageRef]:
    return [task.ref._replace(attempt=task.attempts[model]) for task in tasks if task.attempts[model]]


def _nothing(spec: ImageSpec) -> npt.NDArray[np.uint8]:
    return np.zeros((0, spec.height, spec.width, 3), np.uint8)


def defer(chunk: Chunk, specs: Sequence[ImageSpec]) -> Iterator[tuple[int, Batch]]:
    """Gives for each model that has something to do in a chunk a batch that says what was not begun."""
    gathered = [_Gathered(chunk, model, spec) for model, spec in enumerate(specs)]
    yield from ((model, waiting.put_off()) for model, waiting in enumerate(gathered) if waiting.refs)


def load_batches(
    chunk: Chunk, specs: Sequence[ImageSpec], batch_size: int, pool: ThreadPoolExecutor
) -> Iterator[tuple[int, Batch]]:
    """Loads a chunk batch by batch, at most two batches ahead of whoever consumes them; each photograph is read once.

    Args:
        chunk: What to load.
        specs: What the decoder must deliver to each model of the night.
        batch_size: Photographs in a full batch; failures do not count.
        pool: Threads that read and decode.

    Yields:
        The model and its next batch, in a fixed order of the photographs; a model's last batch, which may be empty,
        says so. A model that has nothing to do in this chunk gets none.
    """
    ways = list(dict.fromkeys(specs))
    gathered = [_Gathered(chunk, model, spec) for model, spec in enumerate(specs)]
    refs = [task.ref for task in chunk.distinct()]
    waiting = iter(refs)
    ahead: deque[Future[list[Decoded]]] = deque()
    try:
        for _ in refs:
            while len(ahead) < 3 * batch_size and (ref := next(waiting, None)) is not None:
                ahead.append(pool.submit(load, ref, ways))
            for model, ready in enumerate(gathered):
                if len(ready) == batch_size:
                    yield model, ready.batch(is_last=False)
            decoded = ahead.popleft().result()
            for ready, spec in zip(gathered, specs, strict=True):
                ready.add(*decoded[ways.index(spec)])
        yield from ((model, ready.batch(is_last=True)) for model, ready in enumerate(gathered) if ready.refs)
    finally:
        for future in ahead:
            future.cancel()
