"""What all networks share: the classification head."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from melanoma.training.networks.layers import HEAD, SCALING, classification_head


@pytest.fixture(scope="module")
def head() -> keras.Model:
    keras.utils.set_random_seed(0)
    features = keras.Input((4, 5, 6))
    penalty = keras.regularizers.L2(0.5)
    return keras.Model(features, classification_head(features, 3, dropout=0.25, penalty=penalty))


def test_names_that_bundles_store_do_not_change() -> None:
    assert (HEAD, SCALING) == ("probabilities", "scaling")


def test_probabilities_are_the_softmax_of_a_linear_map_of_averages(head: keras.Model) -> None:
    features = np.random.default_rng(0).normal(0, 2, (7, 4, 5, 6)).astype(np.float32)
    kernel, _ = head.get_layer(HEAD).get_weights()
    bias = np.array([0.5, -1.0, 0.2], np.float32)
    head.get_layer(HEAD).set_weights([kernel, bias])
    expected = softmax(features.mean(axis=(1, 2)) @ kernel + bias, axis=1)
    np.testing.assert_allclose(head.predict(features, verbose=0), expected, atol=1e-5)


def test_dropout_and_penalty_are_the_requested_ones(head: keras.Model) -> None:
    assert head.get_layer("dropout").rate == 0.25
    kernel, _ = head.get_layer(HEAD).get_weights()
    assert float(head.losses[0]) == pytest.approx(0.5 * (kernel**2).sum(), rel=1e-5)


def test_without_a_penalty_the_network_adds_no_loss() -> None:
    features = keras.Input((2, 2, 3))
    assert keras.Model(features, classification_head(features, 2, dropout=0.0)).losses == []
