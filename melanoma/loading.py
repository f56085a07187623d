"""Reads and decodes the photographs of a chunk ahead of the network, and hands them over as ready batches."""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma import images, storage
from melanoma.errors import ErrorKind, ImageError, PhotographError, ReadError
from melanoma.images import ImageSpec
from melanoma.inputs import ImageRef, distinct
from melanoma.storage import StoredFile


@dataclass(frozen=True)
class Chunk:
    """Photographs that are scored and staged together.

    Attributes:
        number: Of the chunk; names its staged file.
        refs: Photographs, duplicates included.
    """

    number: int
    refs: tuple[ImageRef, ...]


class Loaded(NamedTuple):
    """What a row needs to know of one photograph besides its probabilities.

    Attributes:
        ref: Where it lies.
        width: Pixels, upright; None if its header could not be read.
        height: Pixels, upright; None if its header could not be read.
        sha256: Of the file's bytes, hex; None if they could not be read.
        error: None for a decoded photograph.
    """

    ref: ImageRef
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    error: PhotographError | None = None


@dataclass(frozen=True)
class Batch:
    """Photographs that pass the network together.

    Attributes:
        chunk: Number of the chunk that they belong to.
        loaded: Decoded photographs, in the order of `pixels`.
        pixels: uint8 (n, height, width, 3), n from 0 to the batch size.
        failures: Photographs of the chunk that failed meanwhile.
        duplicates: Refs of the chunk that were listed before; said on the last batch.
        is_last: Whether the chunk ends here.
    """

    chunk: int
    loaded: tuple[Loaded, ...]
    pixels: npt.NDArray[np.uint8]
    failures: tuple[Loaded, ...]
    duplicates: int
    is_last: bool

    def __len__(self) -> int:
        """Number of decoded photographs."""
        return len(self.loaded)


def load(ref: ImageRef, spec: ImageSpec) -> tuple[Loaded, npt.NDArray[np.uint8] | None]:
    """Reads and decodes one photograph; whatever is wrong with it is told, not raised.

    Returns:
        The photograph's facts, and its pixels, uint8 (height, width, 3), or None with an error.
    """
    facts = Loaded(ref)
    try:
        if ref.size > images.MAX_BYTES:
            raise ImageError(ErrorKind.TOO_LARGE, f"{ref.size} bytes; at most {images.MAX_BYTES} are read")
        if not ref.version:
            storage.stat(ref.uri)
            raise ReadError(ErrorKind.CHANGED, "it could not be seen when it was listed, and can be now")
        data = storage.read_bytes(ref.uri, StoredFile(ref.uri, ref.version, ref.size, True))
        facts = facts._replace(sha256=hashlib.sha256(data).hexdigest())
        header = images.read_header(data)
        width, height = header.upright_size
        facts = facts._replace(width=width, height=height)
        return facts, images.decode(data, spec, header)
    except PhotographError as error:
        return facts._replace(error=error), None


def load_batches(chunk: Chunk, spec: ImageSpec, batch_size: int, pool: ThreadPoolExecutor) -> Iterator[Batch]:
    """Loads a chunk batch by batch, at most two batches ahead of whoever consumes them.

    Args:
        chunk: What to load.
        spec: What the decoder must deliver.
        batch_size: Photographs in a full batch; failures do not count.
        pool: Threads that read and decode.

    Yields:
        Batches in a fixed order of the photographs; the last one, which may be empty, says so.
    """
    refs = distinct(chunk.refs)
    waiting = iter(refs)
    ahead: deque[Future[tuple[Loaded, npt.NDArray[np.uint8] | None]]] = deque()
    loaded, pixels, failures = list[Loaded](), list[npt.NDArray[np.uint8]](), list[Loaded]()

    def batch(is_last: bool) -> Batch:
        stacked = np.stack(pixels) if pixels else np.zeros((0, spec.height, spec.width, 3), np.uint8)
        duplicates = len(chunk.refs) - len(refs) if is_last else 0
        return Batch(chunk.number, tuple(loaded), stacked, tuple(failures), duplicates, is_last)

    try:
        for _ in refs:
            while len(ahead) < 3 * batch_size and (ref := next(waiting, None)) is not None:
                ahead.append(pool.submit(load, ref, spec))
            if len(loaded) == batch_size:
                yield batch(is_last=False)
                loaded, pixels, failures = [], [], []
            facts, decoded = ahead.popleft().result()
            if decoded is None:
                failures.append(facts)
            else:
                loaded.append(facts)
                pixels.append(decoded)
        yield batch(is_last=True)
    finally:
        for future in ahead:
            future.cancel()
