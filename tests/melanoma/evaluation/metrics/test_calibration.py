"""Calibration that can be counted by hand, and what chance does to perfect probabilities."""

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss

from melanoma.evaluation.metrics.calibration import (
    BINS,
    binned,
    brier,
    calibration_error,
    evaluate_calibration,
    judged,
    log_loss,
)
from tests.helpers.predictions import drawn, stated


def error(p: np.ndarray, happened: np.ndarray) -> float:
    return float(calibration_error(binned(p, happened)).compute(np.ones((1, len(p))))[0])


def perfect(n: int, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that come true, or that were pushed to the ends afterwards."""
    dice = np.random.default_rng(0)
    p = dice.uniform(0.05, 0.95, n)
    odds = (p / (1 - p)) ** sharper
    return odds / (1 + odds), dice.random(n) < p


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    p = np.repeat([0.2, 0.9], [10, 30])
    happened = np.concatenate([np.arange(10) < 4, np.arange(30) < 15])
    assert error(p, happened) == pytest.approx(0.25 * abs(0.4 - 0.2) + 0.75 * abs(0.5 - 0.9))


def test_equal_probabilities_share_a_bin_and_others_are_spread_evenly() -> None:
    assert binned(np.full(100, 0.3), np.ones(100, np.bool_)).members.shape == (100, 1)
    members = binned(np.linspace(0, 1, 3000), np.ones(3000, np.bool_)).members
    assert members.shape == (3000, BINS)
    assert members.sum(axis=0).tolist() == [200] * BINS
    assert members.sum(axis=1).tolist() == [1] * 3000


def test_perfect_probabilities_show_what_perfect_ones_show_and_others_do_not() -> None:
    names = np.array([str(i) for i in range(2000)])
    good = judged(binned(*perfect(2000)), names, seed=0)
    assert good["perfect"]["low"] <= good["error"]["value"] <= good["perfect"]["high"]
    inside = [bin_["low"] <= bin_["observed"] <= bin_["high"] for bin_ in good["bins"]]
    assert sum(inside) >= BINS - 2
    assert sum(bin_["n"] for bin_ in good["bins"]) == 2000
    bad = judged(binned(*perfect(2000, sharper=3)), names, seed=0)
    assert bad["error"]["low"] > bad["perfect"]["high"] + 0.05


def test_perfect_probabilities_err_by_chance_the_more_the_fewer_there_are() -> None:
    few, many = (judged(binned(*perfect(n)), np.array([str(i) for i in range(n)]), 0)["perfect"] for n in (150, 6000))
    assert few["mean"] > 4 * many["mean"] > 0


def test_the_likeliest_class_and_melanoma_are_judged_apart() -> None:
    found = evaluate_calibration(drawn(300), seed=0)
    assert found is not None
    predictions = drawn(300)
    assert found["error"]["value"] == pytest.approx(
        error(predictions.probabilities.max(axis=1).astype(np.float64), predictions.top == predictions.truth)
    )
    p_melanoma = predictions.probabilities[:, 0].astype(np.float64)
    assert found["melanoma"]["error"]["value"] == pytest.approx(error(p_melanoma, predictions.truth == 0))
    without = stated([[0.5, 0.5]] * 4, [0, 1, 0, 1], ("nevus", "dermatofibroma"))
    assert evaluate_calibration(without, 0)["melanoma"] is None  # type: ignore[index]
    assert evaluate_calibration(stated([], []), 0) is None


def test_brier_counts_all_classes() -> None:
    predictions = stated([[0.7, 0.2, 0.1], [0, 0, 1]], [0, 0])
    assert brier(predictions).compute(np.ones((1, 2)))[0] == pytest.approx((0.09 + 0.04 + 0.01 + 2) / 2)


def test_log_loss_is_that_of_scikit_learn_and_finite_where_the_truth_was_ruled_out() -> None:
    predictions = drawn(200)
    p = predictions.probabilities.astype(np.float64)
    expected = sklearn_log_loss(predictions.truth, p / p.sum(axis=1, keepdims=True))
    assert log_loss(predictions).compute(np.ones((1, 200)))[0] == pytest.approx(expected, rel=1e-5)
    assert log_loss(stated([[0, 1, 0]], [0])).compute(np.ones((1, 1)))[0] == pytest.approx(16.118, abs=1e-3)
