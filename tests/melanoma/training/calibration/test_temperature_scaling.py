"""Probabilities mean what they say, rare classes stay sensible, and a folded network says the same as the formula."""

import keras
import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_softmax

from melanoma.model.engine import Engine
from melanoma.training.calibration.temperature_scaling import Calibration, calibrate, cross_validate, fit, fold_bias

PRIOR = np.array([0.7, 0.2, 0.08, 0.02])
BALANCED = np.full(4, 0.25)
Cases = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]


def cases(count: int, temperature: float, seed: int = 0) -> Cases:
    """Draws truths by the prior, and what a network of balanced epochs says, too sure of itself by `temperature`.

    Returns:
        Its log-probabilities, the truth, and the probabilities that are exactly right.
    """
    dice = np.random.default_rng(seed)
    truth = dice.choice(4, count, p=PRIOR)
    evidence = dice.normal(0, 1, (count, 4)) + 1.5 * np.eye(4)[truth]
    balanced = 1.5 * evidence
    right = np.exp(log_softmax(balanced + np.log(PRIOR), axis=1))
    return log_softmax(temperature * balanced, axis=1), truth, right


def test_the_temperature_and_the_prior_are_found_again() -> None:
    said, truth, right = cases(20_000, temperature=2.5)
    found = fit(said, truth, PRIOR, BALANCED)
    assert found.temperature == pytest.approx(2.5, rel=0.05)
    expected = np.log(PRIOR) - np.log(PRIOR).mean()
    np.testing.assert_allclose(found.bias, expected, atol=0.1)
    np.testing.assert_allclose(calibrate(found, said), right, atol=0.03)


def test_a_network_that_is_right_is_left_alone() -> None:
    said, truth, right = cases(20_000, temperature=1.0)
    found = fit(said + np.log(PRIOR), truth, PRIOR, PRIOR)
    assert found.temperature == pytest.approx(1.0, abs=0.03)
    np.testing.assert_allclose(found.bias, 0, atol=0.1)
    np.testing.assert_allclose(calibrate(found, said + np.log(PRIOR)), right, atol=0.03)


def test_a_class_without_photographs_gets_what_its_prior_says_and_no_less() -> None:
    said, truth, _ = cases(500, temperature=2.0)
    seen = truth < 3
    found = fit(said[seen], truth[seen], PRIOR, BALANCED)
    expected = np.log(PRIOR) - np.log(PRIOR).mean()
    assert abs(found.bias[3] - expected[3]) < 1.0
    assert np.isfinite(calibrate(found, said)).all()


def test_few_photographs_move_the_biases_less_than_many() -> None:
    said, truth, _ = cases(4000, temperature=1.0)
    stated = (0.25, 0.25, 0.25, 0.25)  # wrong: what is expected is a bias of 0
    few = fit(said[:40], truth[:40], stated, BALANCED).bias
    many = fit(said, truth, stated, BALANCED).bias
    assert 0 < np.abs(few).max() < np.abs(many).max()


def test_certainty_and_impossibility_do_no_harm() -> None:
    said = np.array([[0.0, -np.inf, -np.inf], [-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]])
    found = fit(said, np.array([0, 1, 2]), [0.5, 0.3, 0.2], [1.0, 0.0, 0.0])
    calibrated = calibrate(found, said)
    assert np.isfinite(calibrated).all() and 0.05 <= found.temperature <= 20
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)


def small_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, activation="relu")(pixels))
    features = keras.layers.BatchNormalization()(keras.layers.Rescaling(1 / 255)(features))
    head = keras.layers.Dense(4, activation="softmax", name="probabilities", kernel_initializer="he_normal")
    return keras.Model(pixels, head(keras.layers.Dropout(0.5)(features)))


def test_a_folded_network_at_its_temperature_gives_the_calibrated_probabilities() -> None:
    network, dice = small_network(), np.random.default_rng(0)
    calibration = Calibration(1.7, np.array([1.0, -0.5, -0.7, 0.2]))
    pixels = dice.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    weights = network.get_weights()
    before = network(pixels.astype(np.float32), training=False).numpy()
    expected = calibrate(calibration, np.log(before))
    folded = fold_bias(network, *calibration)
    found = Engine(folded, (16, 16), 6, temperature=1.7).score(pixels).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(expected - before).max() > 0.1
    for old, now in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)


def test_it_helps_on_lesions_that_it_was_not_fitted_on() -> None:
    said, truth, right = cases(1000, temperature=3.0)
    groups = [str(index // 2) for index in range(1000)]
    found = cross_validate(said, truth, groups, PRIOR, BALANCED)
    assert (found["n"], found["groups"]) == (1000, 500)
    for name, after in found["after"].items():
        assert after["high"] < 0.8 * found["before"][name]["low"], name
    best = float(-np.log(right[np.arange(1000), truth]).mean())
    assert best < found["after"]["log_loss"]["value"] < best + 0.03
