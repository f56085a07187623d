"""The second output separates training-like photographs from other images, and the first stays as it was."""

from functools import cache
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from melanoma.images.decoding import ImageSpec
from melanoma.images.pixels import Pixels
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.engine import load_engine, score_all
from melanoma.samples.phantoms import draw
from melanoma.training.calibration import ood_images
from melanoma.training.calibration.ood_score import OOD_THRESHOLD, add_ood_output, whiten

SIZE = (24, 24)
LAYERS = ("first", "second")


@cache
def phantoms(count: int, first: int) -> Pixels:
    return np.stack([draw(seed, *SIZE) for seed in range(first, first + count)])


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((*SIZE, 3), name="pixels")
    features = layers.Conv2D(8, 5, strides=2, name="first")(layers.Rescaling(1 / 127.5, offset=-1.0)(pixels))
    features = layers.Conv2D(12, 3, name="second")(layers.ReLU()(features))
    features = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(layers.ReLU()(features)))
    return keras.Model(pixels, layers.Dense(3, activation="softmax", name="probabilities")(features))


@pytest.fixture(scope="module")
def extended(network: keras.Model) -> keras.Model:
    return add_ood_output(network, LAYERS, phantoms(300, 0), phantoms(200, 1000), batch_size=32)


def score(network: keras.Model, pixels: Pixels) -> npt.NDArray[np.float32]:
    return np.asarray(network(pixels.astype(np.float32), training=False)[1])[:, 0]


def test_one_validation_photograph_in_a_hundred_is_above_the_threshold(extended: keras.Model) -> None:
    found = score(extended, phantoms(200, 1000))
    assert found.min() >= 0 and found.max() < 1
    assert (found > OOD_THRESHOLD).sum() == 2
    assert (score(extended, phantoms(200, 2000)) > OOD_THRESHOLD).mean() < 0.05


def test_a_negative_photograph_is_detected(extended: keras.Model) -> None:
    negatives = 255 - phantoms(200, 1000)[:50]
    assert (score(extended, negatives) > OOD_THRESHOLD).mean() > 0.9


@pytest.mark.parametrize("kind", ["noise", "pattern", "text", "screen"])
def test_images_out_of_distribution_are_detected(extended: keras.Model, kind: str) -> None:
    assert (score(extended, ood_images.generate(kind, 20, SIZE, seed=0)) > OOD_THRESHOLD).mean() > 0.9


def test_the_probabilities_stay_as_they_are(network: keras.Model, extended: keras.Model) -> None:
    pixels = phantoms(8, 0)
    before = network(pixels.astype(np.float32), training=False)
    after, _ = extended(pixels.astype(np.float32), training=False)
    np.testing.assert_array_equal(np.asarray(after), np.asarray(before))
    assert extended.output_names == ["probabilities", "ood_score"]


def test_the_score_is_the_mahalanobis_distance_of_the_averages(network: keras.Model, extended: keras.Model) -> None:
    maps = keras.Model(network.input, [network.get_layer(name).output for name in LAYERS])

    def features(pixels: Pixels) -> npt.NDArray[np.float64]:
        found = [np.asarray(feature_map) for feature_map in maps(pixels.astype(np.float32), training=False)]
        return np.concatenate([each.astype(np.float64).mean(axis=(1, 2)) for each in found], axis=1)

    known, new = features(phantoms(300, 0)), features(phantoms(50, 3000))
    away = new - known.mean(axis=0)
    expected = np.einsum("ni,ij,nj->n", away, np.linalg.inv(np.cov(known.T)), away)
    found = score(extended, phantoms(50, 3000))
    distance = found / (1 - found)
    assert np.corrcoef(expected, distance)[0, 1] > 0.95  # the covariance is shrunk, so not 1


def test_layer_names_that_bundles_store_do_not_change(extended: keras.Model) -> None:
    names = [layer.name for layer in extended.layers if "familiarity" in layer.name]
    features = ["familiarity_first", "familiarity_second", "familiarity_features"]
    assert names == [*features, "familiarity_whitening", "familiarity_distance"]


def test_one_feature_layer_is_enough(network: keras.Model) -> None:
    extended = add_ood_output(network, LAYERS[1:], phantoms(300, 0)[:60], phantoms(200, 1000)[:40], batch_size=60)
    assert [layer.name for layer in extended.layers if "familiarity_f" in layer.name] == []
    scores = score(extended, phantoms(200, 1000)[:40])
    assert (scores > OOD_THRESHOLD).sum() == 1 and scores.std() > 0.01


def test_whitened_features_are_uncorrelated_with_variance_1() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(0, 1, (5000, 4)) @ rng.normal(0, 1, (4, 4)) * [1, 5, 0.2, 1] + [3, -2, 0, 9]
    kernel, bias = whiten(features)
    whitened = features @ kernel + bias
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(4), atol=0.05)
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-3)
    assert kernel.dtype == bias.dtype == np.float32


def test_whitened_features_spread_alike_and_constant_ones_are_ignored() -> None:
    rng = np.random.default_rng(0)
    mixed = rng.normal(0, 1, (4000, 5)) @ rng.normal(0, 1, (5, 5)) * [1, 10, 0.1, 1, 1] + 7
    features = np.column_stack([mixed, np.full(4000, 3.0), mixed[:, 0]])
    kernel, bias = whiten(features)
    whitened = features @ kernel + bias
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-3)
    variances = np.cov(whitened.T).diagonal()
    np.testing.assert_allclose(variances[variances > 0.1], 1, atol=0.1)
    changed = features.copy()
    changed[:, 5] = 1e3
    np.testing.assert_array_equal(changed @ kernel, features @ kernel)


def test_a_bundle_with_two_outputs_scores_the_same_after_it_was_written(extended: keras.Model, tmp_path: Path) -> None:
    labels = ("melanoma", "nevus", "dermatofibroma")
    write_bundle(
        str(tmp_path / "new"),
        extended,
        ModelSettings(
            labels=labels,
            spec=ImageSpec(*SIZE),
            prior=(0.2, 0.5, 0.3),
            temperature=1.5,
            thresholds={"melanoma": 0.2, "review_below": 0.6, "ood_above": OOD_THRESHOLD},
        ),
        BundleDocuments(card="# For tests\n", licence="None.\n"),
    )
    bundle = load_bundle(str(tmp_path / "new"))
    pixels = phantoms(20, 0)
    found = score_all(load_engine(bundle, batch_size=8), pixels)
    assert found.ood is not None and found.ood.shape == (20,) and found.ood.dtype == np.float32
    np.testing.assert_allclose(found.ood, score(extended, pixels), atol=1e-5)
    assert all(golden.ood_score is not None for golden in bundle.golden)
