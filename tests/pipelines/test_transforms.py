"""Each PTransform on its own, and the shape of the whole."""

from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma import storage
from melanoma.errors import ErrorKind
from melanoma.images import decoding, encoding
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.batches import Batch
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.sources import Root, list_images
from melanoma.ingest.tasks import Task
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.runs.planning import ListingSummary
from melanoma.runs.run import ModelRun
from melanoma.training.calibration.ood_score import add_ood_output
from pipelines.chunking import ChunkTasks, chunk_count
from pipelines.inference import BundleRef, InferBatches, ScoredBatch
from pipelines.listing import ListTasks
from pipelines.loading import LoadImages
from pipelines.scoring import ScoreImages
from tests.helpers import fill, photograph
from tests.helpers.nights import night, rows, start

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


def test_a_listing_counts_what_it_ignores(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "UPPER.JPG").write_bytes(b"")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        listing = pipeline | beam.Create([Root(str(tmp_path))]) | ListTasks([start(tmp_path / "out", bundle_uri)])
        ids = listing.tasks | beam.Map(lambda task: task.ref.image_id)
        assert_that(ids, equal_to(["lesion-0000", "lesion-0001", "UPPER"]), label="listed")
        found = listing.summaries | beam.Map(lambda found: (found.listed, found.tasks, dict(found.ignored)))
        assert_that(found, equal_to([(3, 3, {".txt": 1})]), label="found")


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


def test_a_night_writes_who_should_be_looked_at_by_a_person(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(6, 3, name="maps")(keras.layers.Rescaling(1 / 255)(pixels))
    head = keras.layers.Dense(3, activation="softmax", name="probabilities")
    network = keras.Model(pixels, head(keras.layers.GlobalAveragePooling2D()(maps)))
    known = np.stack([decoding.decode(photograph(seed), SPEC) for seed in range(60)])
    write_bundle(
        str(tmp_path / "bundle"),
        add_ood_output(network, ["maps"], known[:40], known[40:], batch_size=20),
        ModelSettings(
            labels=("melanoma", "nevus", "scc"),
            spec=SPEC,
            prior=(0.2, 0.7, 0.1),
            decision_rule="argmax",
            thresholds={"ood_above": 0.5, "review_below": 0.1},
        ),
        BundleDocuments(card="# For tests\n", licence="None.\n"),
    )
    fill(tmp_path / "in", 5)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (tmp_path / "in" / "noise.png").write_bytes(encoding.encode(noise, "png"))
    night(tmp_path / "in", tmp_path / "out", str(tmp_path / "bundle"))
    *familiar, strange = rows(tmp_path / "out", "image_uri", "review", "review_reason", "ood_score")
    assert (strange["review"], strange["review_reason"]) == (True, "unlike_training") and strange["ood_score"] > 0.5
    assert [(row["review"], row["review_reason"]) for row in familiar] == [(False, None)] * 5
    assert all(0 <= row["ood_score"] <= 0.5 for row in familiar)


def test_load_infer_and_stage_are_one_fused_stage(tmp_path: Path, bundle_uri: str) -> None:
    """A boundary between them would hold every staged file back until the last photograph is scored."""
    pipeline = beam.Pipeline(runner=FnApiRunner())
    run = start(tmp_path, bundle_uri)
    _ = pipeline | beam.Create([Root(str(tmp_path))]) | ScoreImages([ModelRun(run, load_bundle(bundle_uri))])
    _, stages = FnApiRunner().create_stages(pipeline.to_runner_api())
    holding = [
        {part for part in ("ReadAndDecode", "BeamML_RunInference", "StageChunk") if part in stage.name}
        for stage in stages
    ]
    assert {"ReadAndDecode", "BeamML_RunInference", "StageChunk"} in holding


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
