"""From tasks to chunks: duplicates meet, deferred tasks come first."""

import hashlib
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma import storage
from melanoma.errors import ErrorKind
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from melanoma.ingest.tasks import Chunk, Task
from melanoma.runs.planning import ListingSummary
from melanoma.storage import Span
from pipelines.chunking import ChunkTasks, OrderChunks, chunk_count, chunk_number, uri_hash
from pipelines.loading import LoadImages
from tests.helpers import fill

SPEC = ImageSpec(16, 16)


def test_refs_to_one_photograph_meet_in_one_chunk_and_count_once(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    stored = storage.stat(str(path))
    ref = ImageRef(stored.uri, stored.version, stored.size, "x")

    def check(batches: list[Batch]) -> None:
        assert [(len(batch.loaded), batch.duplicates, batch.is_last) for batch in batches] == [(1, 2, True)]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        tasks = [Task(ref), Task(ref), Task(ref._replace(image_id="y"))]
        found = pipeline | "ListingSummary" >> beam.Create([ListingSummary((), listed=3, tasks=3)])
        chunks = pipeline | beam.Create(tasks) | ChunkTasks(found, chunk_size=1)
        assert_that((chunks | LoadImages([SPEC]))[0], check)


def test_batches_are_full_until_the_last_and_failures_take_no_place(tmp_path: Path) -> None:
    fill(tmp_path, 7)
    (tmp_path / "lesion-0002x.jpg").write_bytes(b"")

    def check(batches: list[Batch]) -> None:
        assert [len(batch.loaded) for batch in batches] == [3, 3, 1]
        assert [batch.is_last for batch in batches] == [False, False, True]
        kinds = [facts.error.kind for batch in batches for facts in batch.failures if facts.error]
        assert kinds == [ErrorKind.EMPTY]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        tasks = pipeline | beam.Create([Task(ref) for ref in list_images(Root(str(tmp_path)))])
        found = pipeline | "ListingSummary" >> beam.Create([ListingSummary((), listed=8, tasks=8)])
        assert_that((tasks | ChunkTasks(found, chunk_size=100) | LoadImages([SPEC], batch_size=3))[0], check)


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
    assert chunk_count(images, chunk_size, workers) == expected


def task(name: str, was_deferred: bool = False) -> Task:
    return Task(ImageRef(f"file:///{name}", "1", 1, "x"), was_deferred=was_deferred)


def test_deferred_tasks_get_chunks_of_their_own_with_the_lowest_numbers() -> None:
    summary = ListingSummary((), listed=300, tasks=300, deferred=100)
    deferred = {chunk_number(task(f"{n}", was_deferred=True), summary, 10, 1) for n in range(500)}
    new = {chunk_number(task(f"{n}"), summary, 10, 1) for n in range(500)}
    assert deferred == set(range(10)) and new == set(range(10, 30))


def test_without_deferred_tasks_the_numbers_begin_at_zero() -> None:
    summary = ListingSummary((), listed=30, tasks=30)
    assert {chunk_number(task(f"{n}"), summary, 10, 1) for n in range(200)} == {0, 1, 2}


def test_the_hash_of_a_uri_is_the_same_in_every_process() -> None:
    """Python's own hash differs from one worker to the next."""
    digest = hashlib.blake2b(b"file:///a.jpg\0", digest_size=16).digest()
    assert uri_hash("file:///a.jpg") == int.from_bytes(digest[:8], "big")


def test_every_worker_gets_its_chunks_in_order() -> None:
    chunks = [Chunk(number, ()) for number in (5, 2, 9, 0, 7, 4)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        ordered = pipeline | beam.Create(chunks) | OrderChunks(workers=1)
        numbers = ordered | beam.Map(lambda chunk: (0, chunk.number)) | beam.GroupByKey()
        assert_that(numbers | beam.MapTuple(lambda _, found: list(found)), equal_to([[0, 2, 4, 5, 7, 9]]))


@pytest.mark.parametrize("options", [{"chunk_size": 0}, {"workers": 0}])
def test_impossible_numbers_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        ChunkTasks(summary=None, **options)


def test_members_of_an_archive_that_are_read_together_share_a_chunk(tmp_path: Path) -> None:
    def at(number: int, archive: str = "a") -> Task:
        span = Span("v", number // 50 * 2**20, (number // 50 + 1) * 2**20, number * 20_000, 20_000)
        return Task(ImageRef(f"tar://{number}.jpg::s3://in/{archive}.tar", "v", 20_000, str(number), span=span))

    tasks = [at(number) for number in range(2000)]
    summary = ListingSummary((), listed=2000, tasks=2000)
    numbers = [chunk_number(task, summary, 100, 1) for task in tasks]
    assert all(len(set(numbers[first : first + 50])) == 1 for first in range(0, 2000, 50))
    assert len(set(numbers)) > 8 and numbers == [chunk_number(task, summary, 100, 4) for task in tasks]
    assert numbers != [chunk_number(at(number, "b"), summary, 100, 1) for number in range(2000)]
