"""The same photograph gets the same scores, whatever shares its batch."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import ErrorKind
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import score_all
from melanoma.model.preprocessing import Scaling
from melanoma.model.tensorflow_engine import TensorFlowEngine
from melanoma.runs.row_builder import RowBuilder
from melanoma.training.calibration.ood_score import add_ood_output
from tests.helpers import ROUNDING
from tests.helpers.networks import SIZE, constant, engine_refusal, photographs
from tests.helpers.pipeline_runs import start


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A network whose outputs would depend on neighbours or chance in training mode: batch normalisation, dropout."""
    keras.utils.set_random_seed(3)
    pixels = keras.Input((*SIZE, 3))
    features = layers.Conv2D(8, 3)(layers.Rescaling(1 / 255)(pixels))
    features = layers.ReLU()(layers.BatchNormalization()(features))
    features = layers.DepthwiseConv2D(3, padding="same", name="maps")(features)
    features = layers.Dropout(0.5)(features)
    features = layers.Dense(16, activation="gelu")(layers.Flatten()(features))
    return keras.Model(pixels, layers.Dense(5, activation="softmax", name="probabilities")(features))


@pytest.fixture(scope="module")
def engine(network: keras.Model) -> TensorFlowEngine:
    return TensorFlowEngine(network, SIZE, batch_size=8)


@pytest.fixture(scope="module")
def two_outputs(network: keras.Model) -> keras.Model:
    """The same network with an out-of-distribution score, as training adds it."""
    return add_ood_output(network, ["maps"], photographs(64), photographs(32), batch_size=8)


def test_scores_depend_on_neither_place_nor_neighbours_in_a_batch(engine: TensorFlowEngine) -> None:
    pixels = photographs(8)
    together = engine.score(pixels).probabilities
    assert together.shape == (8, 5) and together.dtype == np.float32
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)
    assert len({row.tobytes() for row in together}) == 8
    noise = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    for index in range(8):
        alone = engine.score(pixels[index : index + 1]).probabilities
        np.testing.assert_allclose(alone[0], together[index], rtol=0, atol=ROUNDING)
        among_noise = noise.copy()
        among_noise[7 - index] = pixels[index]
        among = engine.score(among_noise).probabilities[7 - index]
        np.testing.assert_allclose(among, together[index], rtol=0, atol=ROUNDING)
    turned = engine.score(pixels[::-1]).probabilities
    np.testing.assert_allclose(turned, together[::-1], rtol=0, atol=ROUNDING)


def test_the_second_output_depends_on_neither_place_nor_neighbours(
    engine: TensorFlowEngine, two_outputs: keras.Model
) -> None:
    pixels, both = photographs(8), TensorFlowEngine(two_outputs, SIZE, batch_size=8)
    assert engine.score(pixels).ood is None
    together = both.score(pixels)
    assert together.ood is not None and together.ood.shape == (8,) and together.ood.dtype == np.float32
    assert len(set(together.ood.tolist())) == 8
    np.testing.assert_array_equal(together.probabilities, engine.score(pixels).probabilities)
    noise = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    for index in range(8):
        noise[7 - index] = pixels[index]
        for found, place in ((both.score(pixels[index : index + 1]), 0), (both.score(noise), 7 - index)):
            assert found.ood is not None
            assert found.ood[place] == pytest.approx(together.ood[index], rel=1e-5)
    everything = score_all(TensorFlowEngine(two_outputs, SIZE, batch_size=3), pixels).ood
    assert everything is not None
    np.testing.assert_allclose(everything, together.ood, atol=1e-5)


def test_both_outputs_are_those_of_the_network(two_outputs: keras.Model) -> None:
    pixels = photographs(4)
    probabilities, ood = two_outputs(pixels.astype(np.float32), training=False)
    found = TensorFlowEngine(two_outputs, SIZE, batch_size=4, temperature=2.0).score(pixels)
    np.testing.assert_allclose(found.ood, ood.numpy()[:, 0], atol=1e-6)
    tempered = np.sqrt(probabilities.numpy())
    expected = tempered / tempered.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)


def test_the_batch_size_moves_at_most_a_hundred_thousandth(network: keras.Model) -> None:
    pixels = photographs(20)
    expected = score_all(TensorFlowEngine(network, SIZE, batch_size=32), pixels).probabilities
    assert expected.shape == (20, 5)
    for batch_size in (1, 2, 3, 7, 16):
        found = score_all(TensorFlowEngine(network, SIZE, batch_size), pixels).probabilities
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


def test_a_frozen_network_returns_the_outputs_of_the_network(network: keras.Model, engine: TensorFlowEngine) -> None:
    pixels = photographs(8)
    expected = network(pixels.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(engine.score(pixels).probabilities, expected, atol=1e-6)


@pytest.mark.parametrize(
    "scaling",
    [
        Scaling(1 / 127.5, -1.0),
        Scaling(1 / 255, 0.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        Scaling(2.0, 3.0, (10.0, 20.0, 30.0), (100.0, 200.0, 300.0)),
    ],
)
def test_scaling_is_its_formula(scaling: Scaling) -> None:
    pixels = keras.Input((*SIZE, 3))
    mirror = keras.Model(pixels, layers.GlobalAveragePooling2D()(pixels))
    photos = photographs(4)
    found = TensorFlowEngine(mirror, SIZE, 4, scaling).score(photos).probabilities
    scaled = (photos.astype(np.float64) * scaling.scale + scaling.offset - scaling.mean) / scaling.std
    np.testing.assert_allclose(found, scaled.mean(axis=(1, 2)), rtol=1e-5, atol=1e-5)


def test_one_sigmoid_output_becomes_two_classes() -> None:
    pixels = keras.Input((*SIZE, 3))
    scaled = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(pixels))
    network = keras.Model(pixels, layers.Dense(1, activation="sigmoid")(scaled))
    photos = photographs(3)
    found = TensorFlowEngine(network, SIZE, 4).score(photos).probabilities
    second = network(photos.astype(np.float32)).numpy()[:, 0]
    np.testing.assert_allclose(found, np.stack([1 - second, second], axis=1), atol=1e-6)


def test_a_temperature_divides_the_logits(network: keras.Model, engine: TensorFlowEngine) -> None:
    photos = photographs(8)
    logits = np.log(engine.score(photos).probabilities.astype(np.float64)) / 2.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = TensorFlowEngine(network, SIZE, 8, temperature=2.5).score(photos).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found.max(axis=1) < engine.score(photos).probabilities.max(axis=1)).all()


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize(
    "row",
    [
        (np.nan, 0.5, 0.5),
        (np.inf, 0.0, 0.0),
        (-0.5, 0.5, 1.0),
        (-3.0, 4.0, 1.0),
        (0.9, 0.9, 0.9),
        (0.0, 0.0, 0.0),
    ],
    ids=str,
)
def test_an_output_that_is_not_a_probability_fails_its_photograph(
    row: tuple[float, ...], temperature: float, bundle_uri: str, tmp_path: Path
) -> None:
    found = TensorFlowEngine(constant(*row), SIZE, 4, temperature=temperature).score(photographs(2))
    builder = RowBuilder(start(tmp_path, bundle_uri), load_bundle(bundle_uri))
    builder.add_scored([Loaded(ImageRef(f"file:///{index}.jpg", "v", 1, "x")) for index in range(2)], found)
    for written in builder.table().to_pylist():
        assert written["status"] == "failed" and written["error_kind"] == ErrorKind.BAD_OUTPUT.value
        assert written["p_melanoma"] is None and written["top_label"] is None and written["flag_melanoma"] is None
    assert builder.scored == 0


def test_certainty_survives_a_temperature() -> None:
    found = TensorFlowEngine(constant(0.0, 1.0, 0.0), SIZE, 2, temperature=3.0).score(photographs(1)).probabilities
    np.testing.assert_array_equal(found, [[0, 1, 0]])


def test_labels_that_do_not_fit_the_network_are_refused_when_it_is_loaded(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    assert "the description lists 2 labels" in engine_refusal(replace(bundle, labels=bundle.labels[:2]), "tensorflow")


_SCORE = """
import sys
import keras, numpy as np
from melanoma.model.tensorflow_engine import TensorFlowEngine
network, pixels, result = sys.argv[1:]
loaded = np.load(pixels)
engine = TensorFlowEngine(keras.models.load_model(network), loaded.shape[1:3], batch_size=8)
np.save(result, engine.score(loaded).probabilities)
"""


def test_threads_and_kernels_of_the_processor_move_at_most_a_hundred_thousandth(
    engine: TensorFlowEngine, network: keras.Model, tmp_path: Path
) -> None:
    pixels = photographs(8)
    network.save(tmp_path / "network.keras")
    np.save(tmp_path / "pixels.npy", pixels)
    files = [str(tmp_path / name) for name in ("network.keras", "pixels.npy", "result.npy")]
    others = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _SCORE, *files], env=os.environ | others, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(files[2]), engine.score(pixels).probabilities, rtol=0, atol=1e-5)
