"""From scored batches to staged chunks."""

from pathlib import Path

import apache_beam as beam
import numpy as np
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch
from melanoma.ingest.loading import load
from melanoma.ingest.roots import Root
from melanoma.ingest.sources import list_images
from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput
from melanoma.runs import staging
from melanoma.runs.scored_by import is_of
from pipelines.inference import ScoredBatch
from pipelines.staging import StageChunks
from tests.helpers import fill
from tests.helpers.pipeline_runs import start

ENGINE = "onnxruntime-1.2.3-f32"


def batch_of(folder: Path, chunk: int, is_last: bool, duplicates: int = 0) -> ScoredBatch:
    """A batch with made-up probabilities of the photographs in a folder, the broken ones among them."""
    decoded = [load(ref, [ImageSpec(16, 16)])[0] for ref in list_images(Root(str(folder)))]
    good = tuple(found.loaded for found in decoded if found.pixels is not None)
    bad = tuple(found.loaded for found in decoded if found.pixels is None)
    batch = Batch(chunk, good, np.zeros((0, 16, 16, 3), np.uint8), bad, duplicates, is_last)
    scores = ModelOutput(np.tile(np.array([0.2, 0.5, 0.3], np.float32), (len(good), 1)))
    return ScoredBatch(batch, scores, seconds=2.0, engine=ENGINE)


def test_a_chunk_is_staged_as_one_file_once_its_last_batch_is_scored(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "a", 2)
    fill(tmp_path / "b", 1, first=2)
    (tmp_path / "b" / "broken.jpg").write_bytes(b"GIF89a")
    run, bundle = start(tmp_path / "out", bundle_uri), load_bundle(bundle_uri)
    batches = [batch_of(tmp_path / "a", 7, is_last=False), batch_of(tmp_path / "b", 7, is_last=True, duplicates=1)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        # One element, so that the batches stay in order.
        chunks = pipeline | beam.Create([batches]) | beam.FlatMap(lambda found: found) | StageChunks(run, bundle)
        counts = chunks | "Counts" >> beam.Map(
            lambda chunk: (chunk.number, chunk.rows, chunk.scored, chunk.duplicates, chunk.store_failures)
        )
        assert_that(counts, equal_to([(7, 4, 3, 1, 0)]), label="counts")
        inferred = chunks | "Infer" >> beam.Map(
            lambda chunk: (chunk.stages["infer"].seconds, chunk.stages["infer"].photographs)
        )
        assert_that(inferred, equal_to([(4.0, 3)]), label="inferred")
    (file,) = (tmp_path / "out" / "_staging").rglob("*.arrow")
    assert file.name == "000007.arrow"
    table = staging.read_chunk(run, str(file))
    assert table is not None and sorted(table["status"].to_pylist()) == ["failed", "scored", "scored", "scored"]
    assert is_of(ENGINE, table) and not is_of("openvino-1.2.3-f32", table)


def test_a_deferred_chunk_passes_by_without_a_file(tmp_path: Path, bundle_uri: str) -> None:
    run, bundle = start(tmp_path / "out", bundle_uri), load_bundle(bundle_uri)
    empty = np.zeros((0, 16, 16, 3), np.uint8)
    scored = ScoredBatch(
        Batch(3, (), empty, duplicates=2, deferred=(b"d" * 16,)), ModelOutput(np.zeros((0, 3), np.float32))
    )
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        chunks = pipeline | beam.Create([scored]) | StageChunks(run, bundle)
        found = chunks | beam.Map(lambda chunk: (chunk.number, chunk.rows, chunk.duplicates, chunk.deferred))
        assert_that(found, equal_to([(3, 0, 2, b"d" * 16)]))
    assert not list((tmp_path / "out").rglob("*.arrow"))
