"""Chunks: how large they are, and which photographs meet in one."""

import hashlib

import pytest

from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.tasks import Task
from melanoma.runs.chunking import ChunkSize, cut, uri_hash
from melanoma.storage import Span


@pytest.mark.parametrize(
    ("images", "chunk_size", "workers", "expected"),
    [
        (0, None, 1, 1),
        (10, None, 1, 1),
        (200, None, 1, 3),
        (10015, None, 1, 10),
        (10015, None, 8, 64),
        (100, 10, 1, 10),
    ],
)
def test_chunks_are_an_eighth_of_a_share_within_bounds(
    images: int, chunk_size: int | None, workers: int, expected: int
) -> None:
    assert ChunkSize(chunk_size, workers).count(images) == expected


def test_chunks_come_in_order_and_without_empty_ones() -> None:
    tasks = [Task(ImageRef(f"file:///{number}", "1", 1, "x")) for number in range(50)]
    chunks = cut(tasks, 40)
    numbers = [chunk.number for chunk in chunks]
    assert numbers == sorted(set(numbers)) and set(numbers) < set(range(40))
    assert all(chunk.tasks for chunk in chunks) and sum(len(chunk.tasks) for chunk in chunks) == 50
    assert chunks == [type(one)(one.number, one.tasks) for one in cut(tasks, 40)]


def test_the_hash_of_a_uri_is_the_same_in_every_process() -> None:
    """Python's own hash differs from one worker to the next."""
    digest = hashlib.blake2b(b"file:///a.jpg\0", digest_size=16).digest()
    assert uri_hash("file:///a.jpg") == int.from_bytes(digest[:8], "big")


def test_members_of_an_archive_that_are_read_together_share_a_chunk() -> None:
    def at(number: int, archive: str = "a") -> Task:
        span = Span("v", number // 50 * 2**20, (number // 50 + 1) * 2**20, number * 20_000, 20_000)
        return Task(ImageRef(f"tar://{number}.jpg::s3://in/{archive}.tar", "v", 20_000, str(number), span=span))

    def numbers(tasks: list[Task]) -> list[int]:
        of_task = {task: chunk.number for chunk in cut(tasks, 20) for task in chunk.tasks}
        return [of_task[task] for task in tasks]

    found = numbers([at(number) for number in range(2000)])
    assert all(len(set(found[first : first + 50])) == 1 for first in range(0, 2000, 50))
    assert len(set(found)) > 8 and found != numbers([at(number, "b") for number in range(2000)])
