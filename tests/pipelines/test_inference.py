"""From batches to scores, through RunInference."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that

from melanoma.errors import BundleError
from melanoma.ingest.batches import Batch
from melanoma.model.bundle import load_bundle
from pipelines.inference import BundleHandler, BundleRef, InferBatches, ScoredBatch
from pipelines.loading import LoadImages
from tests.helpers import fill
from tests.helpers.bundles import copied, describe, document_of


def test_inference_gives_probabilities_and_drops_the_pixels(tmp_path: Path, bundle_uri: str) -> None:
    (path,) = fill(tmp_path, 1)
    bundle = load_bundle(bundle_uri)

    def check(batches: list[ScoredBatch]) -> None:
        (scored,) = batches
        assert scored.batch.pixels.size == 0
        assert scored.scores.probabilities.shape == (1, 3)
        assert scored.scores.probabilities.sum() == pytest.approx(1)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        (batches,) = pipeline | beam.Create([str(path)]) | LoadImages([bundle.spec], 4)
        ref = BundleRef(bundle_uri, bundle.digest, 3)
        assert_that(batches | InferBatches(ref, 4), check)


def test_a_batch_without_photographs_does_not_need_the_network(bundle_uri: str) -> None:
    handler = BundleHandler(BundleRef(bundle_uri, "any", 3), 4)
    batch = Batch(0, (), np.zeros((0, 16, 16, 3), np.uint8), is_last=True)
    (scored,) = handler.run_inference(batch, model=None)  # type: ignore[arg-type]
    assert scored.scores.probabilities.shape == (0, 3) and scored.batch.is_last


def test_another_bundle_than_the_one_of_the_plan_is_refused(bundle_uri: str) -> None:
    engine = BundleHandler(BundleRef(bundle_uri, "0" * 64, 3), 4).load_model()
    with pytest.raises(BundleError, match="it has digest"):
        engine.score(np.zeros((1, 16, 16, 3), np.uint8))


def test_a_bundle_that_is_another_one_by_now_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    started = load_bundle(str(folder))
    engine = BundleHandler(BundleRef(started.uri, started.digest, 3), 4).load_model()
    describe(folder, {**document_of(folder), "metrics": {"other": 1}})
    with pytest.raises(BundleError, match="it has digest"):
        engine.score(np.zeros((1, 16, 16, 3), np.uint8))


def test_a_batch_without_photographs_loads_no_engine() -> None:
    handler = BundleHandler(BundleRef("/no/such/bundle", "0" * 64, 3), 4)
    empty = Batch(0, (), np.zeros((0, 16, 16, 3), np.uint8))
    (scored,) = handler.run_inference(empty, handler.load_model())
    assert scored.engine == "" and scored.scores.probabilities.shape == (0, 3)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "tensorflow"])
def test_a_scored_batch_names_its_engine(bundle_uri: str, name: str) -> None:
    handler = BundleHandler(BundleRef(bundle_uri, load_bundle(bundle_uri).digest, 3, name), 4)
    batch = Batch(0, (None, None), np.zeros((2, 16, 16, 3), np.uint8))  # type: ignore[arg-type]
    (scored,) = handler.run_inference(batch, handler.load_model())
    assert scored.engine.startswith(f"{name}-") and scored.scores.probabilities.shape == (2, 3)


def test_beam_neither_batches_nor_pickles_a_batch(bundle_uri: str) -> None:
    handler = BundleHandler(BundleRef(bundle_uri, "any", 3), 4)
    batch = Batch(0, (), np.zeros((2, 16, 16, 3), np.uint8))
    assert handler.should_skip_batching() and handler.get_metrics_namespace() == "melanoma"
    assert (handler.get_num_bytes(batch), handler.get_num_bytes([batch])) == (2 * 16 * 16 * 3, 0)
