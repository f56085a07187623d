"""Chunks on their way to the workers: duplicates meet in one, and each worker gets its own in order."""

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
from melanoma.ingest.tasks import Chunk, PackedChunk, Task
from melanoma.runs.chunking import cut
from pipelines.chunking import OrderChunks, SpreadChunks
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
        assert_that((pipeline | beam.Create(cut(tasks, 3)) | LoadImages([SPEC]))[0], check)


def test_batches_are_full_until_the_last_and_failures_take_no_place(tmp_path: Path) -> None:
    fill(tmp_path, 7)
    (tmp_path / "lesion-0002x.jpg").write_bytes(b"")

    def check(batches: list[Batch]) -> None:
        assert [len(batch.loaded) for batch in batches] == [3, 3, 1]
        assert [batch.is_last for batch in batches] == [False, False, True]
        kinds = [facts.error.kind for batch in batches for facts in batch.failures if facts.error]
        assert kinds == [ErrorKind.EMPTY]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        tasks = [Task(ref) for ref in list_images(Root(str(tmp_path)))]
        assert_that((pipeline | beam.Create(cut(tasks, 1)) | LoadImages([SPEC], batch_size=3))[0], check)


def packed(*numbers: int) -> list[PackedChunk]:
    return [Chunk(number, (Task(ImageRef(f"file:///{number}", "1", 1, "x")),)).packed() for number in numbers]


def test_every_worker_gets_its_chunks_in_order() -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        ordered = pipeline | beam.Create(packed(5, 2, 9, 0, 7, 4)) | OrderChunks(workers=1)
        numbers = ordered | beam.Map(lambda chunk: (0, chunk.number)) | beam.GroupByKey()
        assert_that(numbers | beam.MapTuple(lambda _, found: list(found)), equal_to([[0, 2, 4, 5, 7, 9]]))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("is_distributed", [False, True])
@pytest.mark.parametrize("is_in_turn", [False, True])
def test_every_chunk_arrives_once_whatever_the_workers(workers: int, is_distributed: bool, is_in_turn: bool) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        chunks = pipeline | beam.Create(packed(3, 1, 2)) | SpreadChunks(workers, is_distributed, is_in_turn)
        uris = chunks | beam.Map(lambda chunk: (chunk.number, chunk.tasks[0].ref.uri))
        assert_that(uris, equal_to([(number, f"file:///{number}") for number in (1, 2, 3)]))
