"""Copies for training: faster steps, the same network."""

import keras
import numpy as np
import pytest

from melanoma.training.networks.assignment_cnn import assignment_cnn
from melanoma.training.networks.fast_copy import PRECISIONS, training_copy
from melanoma.training.networks.layers import HEAD


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return assignment_cnn(3, (16, 16), widths=(4, 6))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3)).astype(np.float32)


TARGETS = np.eye(3, dtype=np.float32)[np.arange(8) % 3]


def train_one_step(model: keras.Model, pixels: np.ndarray) -> None:
    model.get_layer("dropout").rate = 0.0
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    model.train_on_batch(pixels, TARGETS)


def test_fused_normalisation_learns_what_that_of_keras_learns(network: keras.Model, pixels: np.ndarray) -> None:
    fused, plain = training_copy(network, "float32"), keras.models.clone_model(network)
    plain.set_weights(network.get_weights())
    for model in (fused, plain):
        train_one_step(model, pixels)
    for ours, theirs in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=2e-3)
    # The kernel and the moving mean have moved.
    assert not np.allclose(fused.get_weights()[0], network.get_weights()[0])
    assert not np.allclose(fused.get_weights()[3], network.get_weights()[3])


def test_a_copy_has_the_names_and_weights_and_predicts_the_same(network: keras.Model, pixels: np.ndarray) -> None:
    copy = training_copy(network, "float32")
    assert [layer.name for layer in copy.layers] == [layer.name for layer in network.layers]
    for ours, theirs in zip(copy.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    expected = np.asarray(network(pixels, training=False))
    np.testing.assert_array_equal(np.asarray(copy(pixels, training=False)), expected)


def test_the_original_is_left_alone(network: keras.Model, pixels: np.ndarray) -> None:
    before = network.get_weights()
    train_one_step(training_copy(network, "float32"), pixels)
    for now, then in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert type(network.get_layer("block1_normalisation")) is keras.layers.BatchNormalization


def test_a_frozen_layer_does_not_move_its_averages(network: keras.Model, pixels: np.ndarray) -> None:
    copy = training_copy(network, "float32")
    copy.get_layer("block1_normalisation").trainable = False
    before = copy.get_layer("block1_normalisation").get_weights()
    train_one_step(copy, pixels)
    for now, then in zip(copy.get_layer("block1_normalisation").get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_in_16_bits_weights_and_probabilities_keep_32(network: keras.Model, pixels: np.ndarray) -> None:
    half = training_copy(network, "bfloat16")
    assert {weights.dtype for weights in half.get_weights()} == {np.dtype(np.float32)}
    assert {layer.compute_dtype for layer in half.layers if layer.weights and layer.name != HEAD} == {"bfloat16"}
    probabilities = np.asarray(half(pixels, training=False))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(probabilities, np.asarray(network(pixels, training=False)), atol=0.05)
    train_one_step(half, pixels)
    assert not np.allclose(half.get_weights()[0], network.get_weights()[0])


def test_precisions_are_those_of_the_flag(network: keras.Model) -> None:
    assert list(PRECISIONS) == ["float32", "bfloat16"]
    with pytest.raises(KeyError, match="float16"):
        training_copy(network, "float16")
