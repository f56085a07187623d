"""From chunks and single photographs to batches."""

import datetime
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from melanoma.ingest.tasks import Chunk, Task
from pipelines.loading import LoadImages
from tests.helpers import fill

SPEC = ImageSpec(16, 16)


def test_uris_become_batches(tmp_path: Path) -> None:
    paths = fill(tmp_path, 3)

    def check(batches: list[Batch]) -> None:
        found = {batch.loaded[0].ref.uri: batch.pixels[0] for batch in batches}
        assert sorted(found) == [f"file://{path}" for path in paths]
        for path in paths:
            np.testing.assert_array_equal(found[f"file://{path}"], decoding.decode(path.read_bytes(), SPEC))

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        assert_that((pipeline | beam.Create([str(path) for path in paths]) | LoadImages([SPEC]))[0], check)


def test_one_collection_of_batches_comes_out_for_each_model(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    specs = [SPEC, ImageSpec(8, 6)]
    tasks = tuple(Task(ref, (1, int(number > 0))) for number, ref in enumerate(list_images(Root(str(tmp_path)))))

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        first, second = pipeline | beam.Create([Chunk(0, tasks)]) | LoadImages(specs)
        assert_that(first | "1" >> beam.Map(lambda batch: batch.pixels.shape), equal_to([(3, 16, 16, 3)]), label="a")
        assert_that(second | "2" >> beam.Map(lambda batch: batch.pixels.shape), equal_to([(2, 8, 6, 3)]), label="b")


def test_after_the_deadline_chunks_are_deferred_unread(tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    (ref,) = list_images(Root(str(tmp_path)))
    path.unlink()
    long_ago = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        (batches,) = pipeline | beam.Create([Chunk(0, (Task(ref),))]) | LoadImages([SPEC], deadline=long_ago)
        found = batches | beam.Map(lambda batch: (len(batch), len(batch.failures), batch.deferred))
        assert_that(found, equal_to([(0, 0, (digest_of(ref.uri, ref.version),))]))


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"threads": 0}, {"threads": -1}])
def test_impossible_numbers_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        LoadImages([SPEC], **options)  # type: ignore[arg-type]


def test_a_photograph_in_an_unknown_store_fails_in_its_own_batch() -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        (batches,) = pipeline | beam.Create([ImageRef("nostore://a.jpg", "", -1, "a")]) | LoadImages([SPEC])
        kinds = batches | beam.Map(lambda batch: [str(failure.error.kind) for failure in batch.failures])
        assert_that(kinds, equal_to([["bad_name"]]))
