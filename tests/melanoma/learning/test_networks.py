"""The network that is trained from scratch."""

from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.learning.networks import assignment_cnn
from melanoma.scan import scan_network


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return assignment_cnn(9, (64, 48))


def test_pixels_of_0_to_255_become_probabilities(network: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 48, 3), np.uint8)
    probabilities = network.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 9)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_scaling_lies_inside(network: keras.Model) -> None:
    scaling = network.get_layer("scaling")
    assert np.asarray(scaling(np.array([0.0, 255.0]))).tolist() == pytest.approx([-1, 1])


def test_the_static_scan_lets_it_pass(network: keras.Model, tmp_path: Path) -> None:
    network.save(tmp_path / "model.keras")
    scan_network(tmp_path / "model.keras")


def test_layer_names_can_be_exported(network: keras.Model) -> None:
    assert all(layer.name[0].isalpha() for layer in network.layers)


def test_every_kernel_is_penalised(network: keras.Model) -> None:
    kernels = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert len(kernels) == 5
    assert all(layer.kernel_regularizer is not None for layer in kernels)


def test_a_seed_fixes_the_first_weights() -> None:
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(assignment_cnn(3, (32, 32), widths=(4, 4)).get_layer("block1_convolution").kernel.numpy())
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])
