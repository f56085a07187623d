"""From tasks to chunks, which are loaded, scored and staged together."""

from collections.abc import Sequence
from typing import NamedTuple

from melanoma import storage
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.tasks import Chunk, Task

_SMALLEST_CHUNK, _LARGEST_CHUNK = 64, 1000
_CHUNKS_PER_WORKER = 8


class ChunkSize(NamedTuple):
    """How large chunks are.

    Attributes:
        images: Average number of photographs in a chunk, at least 1; None for an eighth of a worker's share, from 64
            to 1000.
        workers: Number of worker processes, at least 1.
    """

    images: int | None = None
    workers: int = 1

    def count(self, images: int) -> int:
        """Returns the number of chunks for a number of photographs, at least 1."""
        share = images // (_CHUNKS_PER_WORKER * self.workers)
        size = self.images or min(max(share, _SMALLEST_CHUNK), _LARGEST_CHUNK)
        return max(1, round(images / size))


def cut(tasks: Sequence[Task], chunks: int) -> list[Chunk]:
    """Groups tasks into chunks by a hash of their URI, so that duplicates meet in one chunk.

    Args:
        tasks: Tasks, in any order.
        chunks: Number of chunks, at least 1; few may stay empty.

    Returns:
        The chunks that are not empty, in the order of their numbers, which are below `chunks`.
    """
    by_number = dict[int, list[Task]]()
    for task in tasks:
        by_number.setdefault(_group_hash(task.ref) % chunks, []).append(task)
    return [Chunk(number, tuple(by_number[number])) for number in sorted(by_number)]


def _group_hash(ref: ImageRef) -> int:
    """Returns the hash of a photograph's URI; members of an archive that are read together have one hash."""
    if ref.span is None:
        return uri_hash(ref.uri)
    return uri_hash(f"{storage.archive_of(ref.stored.uri)}#{ref.span.start}")


def uri_hash(uri: str) -> int:
    """Returns a hash of a URI from 0 to 2**64 - 1 that is the same in every process."""
    return int.from_bytes(digest_of(uri, "")[:8], "big")
