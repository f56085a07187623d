"""The network that is trained from scratch."""

from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.model.network_scan import scan_network
from melanoma.training.networks.assignment_cnn import assignment_cnn


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return assignment_cnn(9, (64, 48))


def test_pixels_of_0_to_255_become_probabilities(network: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), np.uint8)
    probabilities = network.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 9)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_pixels_are_scaled_inside_the_network(network: keras.Model) -> None:
    scaling = network.get_layer("scaling")
    assert np.asarray(scaling(np.array([0.0, 127.5, 255.0]))).tolist() == pytest.approx([-1, 0, 1])


def test_each_block_halves_the_feature_map_and_the_first_one_quarters_it(network: keras.Model) -> None:
    shapes = [network.get_layer(f"block{block}_activation").output.shape[1:] for block in (1, 2, 3, 4)]
    assert shapes == [(16, 12, 32), (8, 6, 64), (4, 3, 128), (2, 1, 192)]


def test_it_has_as_many_weights_as_its_layers_need(network: keras.Model) -> None:
    kernels = 5 * 5 * 3 * 32 + 3 * 3 * (32 * 64 + 64 * 128 + 128 * 192)
    normalisation = 4 * (32 + 64 + 128 + 192)
    assert network.count_params() == kernels + normalisation + 192 * 9 + 9


def test_one_set_of_weights_serves_every_size(network: keras.Model) -> None:
    flexible = assignment_cnn(9, (None, None))
    flexible.set_weights(network.get_weights())
    pixels = np.random.default_rng(1).integers(0, 256, (2, 64, 48, 3)).astype(np.float32)
    expected = np.asarray(network(pixels, training=False))
    np.testing.assert_allclose(np.asarray(flexible(pixels, training=False)), expected, atol=1e-6)
    assert np.asarray(flexible(pixels[:, :40, :40], training=False)).shape == (2, 9)


@pytest.mark.parametrize(("widths", "side"), [((4,), 4), ((4, 4), 8), ((4, 4, 4), 16)])
def test_the_smallest_size_is_the_documented_one(widths: tuple[int, ...], side: int) -> None:
    assert assignment_cnn(2, (side, side), widths=widths).output_shape == (None, 2)
    with pytest.raises(ValueError, match="zero or negative"):
        assignment_cnn(2, (side // 4, side // 4), widths=widths)


def test_the_static_scan_accepts_it(network: keras.Model, tmp_path: Path) -> None:
    network.save(tmp_path / "model.keras")
    assert scan_network(tmp_path / "model.keras").parameters == network.count_params()


def test_layer_names_start_with_a_letter_so_that_they_can_be_exported(network: keras.Model) -> None:
    assert all(layer.name[0].isalpha() for layer in network.layers)


def test_every_kernel_is_penalised(network: keras.Model) -> None:
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 5
    assert all(layer.kernel_regularizer is not None for layer in kernels)


def test_a_seed_determines_the_initial_weights() -> None:
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(assignment_cnn(3, (32, 32), widths=(4, 4)).get_layer("block1_convolution").kernel.numpy())
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
