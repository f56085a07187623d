"""Chunks wait between the thread that lists and those who score."""

import threading
from collections.abc import Iterator

import pytest

from melanoma.errors import UsageError
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.tasks import Chunk, PackedChunk, Task
from melanoma.runs.chunk_queue import ChunkQueue

SECONDS = 20.0  # after which a wait has failed


def chunk(number: int, *names: str) -> Chunk:
    return Chunk(number, tuple(Task(ImageRef(f"file:///{name}", "1", 1, name)) for name in names))


class Taker(threading.Thread):
    """Takes the chunks of a queue, and notes them."""

    def __init__(self, queue: ChunkQueue) -> None:
        super().__init__(daemon=True)
        self.taken, self.error = list[PackedChunk](), list[Exception]()
        self.has_one = threading.Event()
        self._queue = queue

    def run(self) -> None:
        try:
            for packed in self._queue.chunks():
                self.taken.append(packed)
                self.has_one.set()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error.append(error)


def test_numbers_go_on_from_wave_to_wave_and_deferred_ones_come_first() -> None:
    queue = ChunkQueue()
    queue.put([chunk(0, "a"), chunk(2, "b")], 3, was_deferred=False)
    queue.put([chunk(1, "c")], 2, was_deferred=False)
    queue.put([chunk(1, "d")], 4, was_deferred=True)
    queue.end()
    found = [packed.unpacked() for packed in queue.chunks()]
    assert found == [chunk(1, "d"), chunk(4, "a"), chunk(6, "b"), chunk(8, "c")]
    assert queue.is_abandoned


def test_nothing_is_taken_before_the_end_unless_the_queue_is_open() -> None:
    queue = ChunkQueue()
    taker = Taker(queue)
    taker.start()
    queue.put([chunk(0, "a")], 1, was_deferred=False)
    assert not taker.has_one.wait(0.2)
    queue.open()
    assert taker.has_one.wait(SECONDS) and taker.is_alive()
    queue.put([chunk(0, "b")], 1, was_deferred=False)
    queue.end()
    taker.join(SECONDS)
    assert [packed.number for packed in taker.taken] == [0, 1] and not taker.error


def test_an_error_of_the_listing_is_raised_at_once_where_chunks_are_taken() -> None:
    queue = ChunkQueue()
    queue.open()
    queue.put([chunk(0, "a"), chunk(1, "b"), chunk(2, "c")], 3, was_deferred=False)
    chunks: Iterator[PackedChunk] = queue.chunks()
    assert next(chunks).number == 0
    queue.end(UsageError("the store has moved"))
    with pytest.raises(UsageError, match="has moved"):
        next(chunks)
    assert queue.is_abandoned


def test_a_taker_that_stops_tells_the_listing() -> None:
    queue = ChunkQueue()
    queue.open()
    queue.put([chunk(0, "a"), chunk(1, "b")], 2, was_deferred=False)
    chunks = queue.chunks()
    next(chunks)
    assert not queue.is_abandoned
    chunks.close()  # type: ignore[attr-defined]
    assert queue.is_abandoned


def test_a_packed_chunk_is_small_and_the_same_again() -> None:
    names = [f"2026-11-03-clinic-a/dermoscopy-{number:09}.jpg" for number in range(1000)]
    whole = chunk(7, *names)
    packed = whole.packed()
    assert packed.unpacked() == whole and len(packed.tasks) < 40 * len(names)
