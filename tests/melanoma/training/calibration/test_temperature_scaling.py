"""Calibration: known temperatures are recovered, rare classes stay sensible, and a folded network does the same."""

import keras
import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_softmax

from melanoma.model.tensorflow_engine import TensorFlowEngine
from melanoma.training.calibration.temperature_scaling import Calibration, calibrate, cross_validate, fit, fold_bias

PRIOR = np.array([0.7, 0.2, 0.08, 0.02])
BALANCED = np.full(4, 0.25)
Cases = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]


def cases(count: int, temperature: float, seed: int = 0) -> Cases:
    """Simulates a network that was trained on balanced epochs and is overconfident by `temperature`.

    Returns:
        Its log-probabilities, the truth, drawn by `PRIOR`, and the exact posterior probabilities.
    """
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, count, p=PRIOR)
    evidence = rng.normal(0, 1, (count, 4)) + 1.5 * np.eye(4)[truth]
    balanced = 1.5 * evidence
    right = np.exp(log_softmax(balanced + np.log(PRIOR), axis=1))
    return log_softmax(temperature * balanced, axis=1), truth, right


def test_temperature_and_prior_are_recovered() -> None:
    log_p, truth, right = cases(20_000, temperature=2.5)
    found = fit(log_p, truth, PRIOR, BALANCED)
    assert found.temperature == pytest.approx(2.5, rel=0.05)
    expected = np.log(PRIOR) - np.log(PRIOR).mean()
    np.testing.assert_allclose(found.bias, expected, atol=0.1)
    np.testing.assert_allclose(calibrate(found, log_p), right, atol=0.03)


def test_a_calibrated_network_is_left_alone() -> None:
    log_p, truth, right = cases(20_000, temperature=1.0)
    found = fit(log_p + np.log(PRIOR), truth, PRIOR, PRIOR)
    assert found.temperature == pytest.approx(1.0, abs=0.03)
    np.testing.assert_allclose(found.bias, 0, atol=0.1)
    np.testing.assert_allclose(calibrate(found, log_p + np.log(PRIOR)), right, atol=0.03)


def test_a_class_without_photographs_keeps_about_the_bias_that_its_prior_implies() -> None:
    log_p, truth, _ = cases(500, temperature=2.0)
    seen = truth < 3
    found = fit(log_p[seen], truth[seen], PRIOR, BALANCED)
    expected = np.log(PRIOR) - np.log(PRIOR).mean()
    assert abs(found.bias[3] - expected[3]) < 1.0
    assert np.isfinite(calibrate(found, log_p)).all()


def test_few_photographs_move_the_biases_less_than_many_do() -> None:
    log_p, truth, _ = cases(4000, temperature=1.0)
    stated = (0.25, 0.25, 0.25, 0.25)  # wrong, and it implies a bias of 0
    few = fit(log_p[:40], truth[:40], stated, BALANCED).bias
    many = fit(log_p, truth, stated, BALANCED).bias
    assert 0 < np.abs(few).max() < np.abs(many).max()


def test_probabilities_of_0_and_1_have_finite_results() -> None:
    log_p = np.array([[0.0, -np.inf, -np.inf], [-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]])
    found = fit(log_p, np.array([0, 1, 2]), [0.5, 0.3, 0.2], [1.0, 0.0, 0.0])
    calibrated = calibrate(found, log_p)
    assert np.isfinite(calibrated).all() and 0.05 <= found.temperature <= 20
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)


def small_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, activation="relu")(pixels))
    features = keras.layers.BatchNormalization()(keras.layers.Rescaling(1 / 255)(features))
    head = keras.layers.Dense(4, activation="softmax", name="probabilities", kernel_initializer="he_normal")
    return keras.Model(pixels, head(keras.layers.Dropout(0.5)(features)))


def test_a_folded_network_with_its_temperature_returns_the_calibrated_probabilities() -> None:
    network, rng = small_network(), np.random.default_rng(0)
    calibration = Calibration(1.7, np.array([1.0, -0.5, -0.7, 0.2]))
    pixels = rng.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    weights = network.get_weights()
    before = network(pixels.astype(np.float32), training=False).numpy()
    expected = calibrate(calibration, np.log(before))
    folded = fold_bias(network, *calibration)
    found = TensorFlowEngine(folded, (16, 16), 6, temperature=1.7).score(pixels).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(expected - before).max() > 0.1
    for old, now in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)


def test_cross_validation_shows_what_calibration_gains() -> None:
    log_p, truth, right = cases(1000, temperature=3.0)
    groups = [str(index // 2) for index in range(1000)]
    found = cross_validate(log_p, truth, groups, PRIOR, BALANCED)
    assert (found["n"], found["groups"]) == (1000, 500)
    for name, after in found["after"].items():
        assert after["high"] < 0.8 * found["before"][name]["low"], name
    best = float(-np.log(right[np.arange(1000), truth]).mean())
    assert best < found["after"]["log_loss"]["value"] < best + 0.03


def test_the_fit_has_the_largest_posterior_density() -> None:
    """Every small step away from it makes log-likelihood plus log-prior smaller."""
    log_p, truth, _ = cases(300, temperature=2.0)
    fitted = fit(log_p, truth, PRIOR, BALANCED)
    expected = np.log(PRIOR) - np.log(PRIOR).mean()

    def log_posterior(log_temperature: float, bias: npt.NDArray[np.float64]) -> float:
        calibrated = log_softmax(log_p / np.exp(log_temperature) + bias, axis=1)
        likelihood = calibrated[np.arange(len(truth)), truth].sum()
        return float(likelihood - ((bias - expected) ** 2).sum() / (2 * 0.5**2))

    best = log_posterior(np.log(fitted.temperature), fitted.bias)
    for step in (-0.02, 0.02):
        assert log_posterior(np.log(fitted.temperature) + step, fitted.bias) < best
        for index in range(4):
            assert log_posterior(np.log(fitted.temperature), fitted.bias + step * np.eye(4)[index]) < best


def test_calibration_ignores_a_constant_per_photograph() -> None:
    log_p, truth, _ = cases(400, temperature=2.0)
    shifted = log_p + np.random.default_rng(5).normal(0, 3, (400, 1))
    fitted, same = fit(log_p, truth, PRIOR, BALANCED), fit(shifted, truth, PRIOR, BALANCED)
    assert same.temperature == pytest.approx(fitted.temperature, rel=1e-3)
    np.testing.assert_allclose(same.bias, fitted.bias, atol=1e-3)
    assert fitted.bias.sum() == pytest.approx(0, abs=1e-9)


def test_calibrated_probabilities_are_those_of_the_formula() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    powers = probabilities**0.5 * np.exp([0.3, 0.0, -0.3])  # temperature 2
    calibrated = calibrate(Calibration(2.0, np.array([0.3, 0.0, -0.3])), np.log(probabilities))
    np.testing.assert_allclose(calibrated, powers / powers.sum(axis=1, keepdims=True))
