"""Calibration errors that can be counted by hand, and those of perfect probabilities."""

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss

from melanoma.evaluation.metrics.bootstrap import resample
from melanoma.evaluation.metrics.calibration import (
    BINS,
    brier,
    calibration_error,
    equal_mass_bins,
    evaluate_calibration,
    log_loss,
    reliability,
)
from tests.helpers.predictions import predictions_of, random_predictions


def error(p: np.ndarray, happened: np.ndarray) -> float:
    return float(calibration_error(equal_mass_bins(p, happened)).compute(np.ones((1, len(p))))[0])


def perfect(n: int, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns calibrated probabilities, overconfident ones if `sharper` is above 1, and whether the event happened."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, n)
    odds = (p / (1 - p)) ** sharper
    return odds / (1 + odds), rng.random(n) < p


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    p = np.repeat([0.2, 0.9], [10, 30])
    happened = np.concatenate([np.arange(10) < 4, np.arange(30) < 15])
    assert error(p, happened) == pytest.approx(0.25 * abs(0.4 - 0.2) + 0.75 * abs(0.5 - 0.9))


def test_the_interval_of_the_error_allows_for_the_error_that_resampling_adds() -> None:
    metric = calibration_error(equal_mass_bins(*perfect(150)))
    found = resample({"": metric}, np.array([str(i) for i in range(150)]), seed=0)[""]
    estimate = found.estimate()
    assert estimate is not None
    assert np.median(found.resamples) > estimate.value
    assert estimate.low < 2 * estimate.value - np.median(found.resamples) < estimate.high


def test_equal_probabilities_share_a_bin_and_the_others_fill_bins_evenly() -> None:
    assert equal_mass_bins(np.full(100, 0.3), np.ones(100, np.bool_)).members.shape == (100, 1)
    members = equal_mass_bins(np.linspace(0, 1, 3000), np.ones(3000, np.bool_)).members
    assert members.shape == (3000, BINS)
    assert members.sum(axis=0).tolist() == [200] * BINS
    assert members.sum(axis=1).tolist() == [1] * 3000


def test_a_probability_on_an_edge_belongs_to_the_upper_bin() -> None:
    found = equal_mass_bins(np.arange(16) / 16, np.ones(16, np.bool_))
    assert found.members.sum(axis=0).tolist() == [1] * 14 + [2]
    assert found.members[:, -1].tolist() == [0] * 14 + [1, 1]


def test_perfect_probabilities_lie_within_what_chance_allows_and_others_do_not() -> None:
    names = np.array([str(i) for i in range(2000)])
    good = reliability(equal_mass_bins(*perfect(2000)), names, seed=0)
    assert good["perfect"]["low"] <= good["error"]["value"] <= good["perfect"]["high"]
    inside = [bin_["low"] <= bin_["observed"] <= bin_["high"] for bin_ in good["bins"]]
    assert sum(inside) >= BINS - 2
    assert sum(bin_["n"] for bin_ in good["bins"]) == 2000
    bad = reliability(equal_mass_bins(*perfect(2000, sharper=3)), names, seed=0)
    assert bad["error"]["low"] > bad["perfect"]["high"] + 0.05


def test_the_calibration_error_of_perfect_probabilities_shrinks_with_more_photographs() -> None:
    few, many = (
        reliability(equal_mass_bins(*perfect(n)), np.array([str(i) for i in range(n)]), 0)["perfect"]
        for n in (150, 6000)
    )
    assert few["mean"] > 4 * many["mean"] > 0


def test_calibration_covers_the_most_likely_class_and_melanoma() -> None:
    found = evaluate_calibration(random_predictions(300), seed=0)
    assert found is not None
    predictions = random_predictions(300)
    assert found["error"]["value"] == pytest.approx(
        error(predictions.probabilities.max(axis=1).astype(np.float64), predictions.top == predictions.truth)
    )
    p_melanoma = predictions.probabilities[:, 0].astype(np.float64)
    assert found["melanoma"]["error"]["value"] == pytest.approx(error(p_melanoma, predictions.truth == 0))
    without = predictions_of([[0.5, 0.5]] * 4, [0, 1, 0, 1], ("nevus", "dermatofibroma"))
    assert evaluate_calibration(without, 0)["melanoma"] is None  # type: ignore[index]
    assert evaluate_calibration(predictions_of([], []), 0) is None


def test_the_brier_score_covers_all_classes() -> None:
    predictions = predictions_of([[0.7, 0.2, 0.1], [0, 0, 1]], [0, 0])
    assert brier(predictions).compute(np.ones((1, 2)))[0] == pytest.approx((0.09 + 0.04 + 0.01 + 2) / 2)


def test_log_loss_equals_that_of_scikit_learn_and_is_finite_for_probability_0() -> None:
    predictions = random_predictions(200)
    p = predictions.probabilities.astype(np.float64)
    expected = sklearn_log_loss(predictions.truth, p / p.sum(axis=1, keepdims=True))
    assert log_loss(predictions).compute(np.ones((1, 200)))[0] == pytest.approx(expected, rel=1e-5)
    assert log_loss(predictions_of([[0, 1, 0]], [0])).compute(np.ones((1, 1)))[0] == pytest.approx(16.118, abs=1e-3)
