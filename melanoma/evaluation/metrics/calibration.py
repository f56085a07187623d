"""Whether predicted probabilities match observed frequencies, compared with perfect ones that vary by chance alone."""

from typing import Any, NamedTuple

import numpy as np

from melanoma.evaluation.inputs.predictions import Mask, Names, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.metric import Floats, Metric, average, ratio

BINS = 15
DRAWS = 500
LEAST_PROBABILITY = 1e-7  # keeps the log loss finite


class CalibrationBins(NamedTuple):
    """Predicted probabilities of an event, in bins of equal mass.

    Attributes:
        probability: float64 (n,), 0 to 1.
        happened: bool (n,), whether the event happened.
        members: float64 (n, bins), 1 in the bin of each photograph, else 0.
    """

    probability: Floats
    happened: Mask
    members: Floats


def equal_mass_bins(probability: Floats, happened: Mask) -> CalibrationBins:
    """Sorts photographs into at most 15 bins with the same number of photographs each; ties share a bin.

    Bins of equal mass are less biased than bins of equal width, most of which are nearly empty (Nixon, Dusenberry,
    Zhang, Jerfel, Tran: "Measuring calibration in deep learning", CVPR workshops 2019).

    Args:
        probability: float64 (n,), 0 to 1.
        happened: bool (n,), whether the event happened.
    """
    edges = np.unique(np.quantile(probability, np.arange(1, BINS) / BINS)) if len(probability) else np.zeros(0)
    bins = np.searchsorted(edges, probability, side="right")
    used, bin_of = np.unique(bins, return_inverse=True)
    return CalibrationBins(probability, happened, np.eye(max(len(used), 1))[bin_of])


def calibration_error(bins: CalibrationBins) -> Metric:
    """Returns the expected calibration error (ECE), 0 to 1: the mean distance of probability from frequency over bins.

    Naeini, Cooper, Hauskrecht: "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; Guo,
    Pleiss, Sun, Weinberger: "On calibration of modern neural networks", ICML 2017. Chance alone raises it (Roelofs,
    Cain, Shlens, Mozer: "Mitigating bias in calibration error estimation", AISTATS 2022).
    """
    gaps = bins.members * (bins.probability - bins.happened)[:, None]

    def _compute(weights: Floats) -> Floats:
        return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return Metric(_compute, np.ones(len(gaps), np.bool_), is_biased=True)


def reliability(bins: CalibrationBins, groups: Names, seed: int) -> dict[str, Any]:
    """Returns the calibration error, that of perfect probabilities, and the bins of the reliability diagram.

    What perfect probabilities would show comes from 500 simulated outcomes in which every predicted probability is true
    (consistency resampling; Bröcker, Smith: "Increasing the reliability of reliability diagrams", Weather and
    Forecasting 22, 2007).

    Returns:
        JSON values: error; perfect (mean, low, high); bins (n, stated: the mean probability, observed: the frequency,
        low and high: the middle 95 % of what perfect probabilities would show).
    """
    counts = bins.members.sum(axis=0)
    stated, observed = (bins.members.T @ values / counts for values in (bins.probability, bins.happened))
    simulated = _simulated_counts(bins, seed) / counts
    errors = (np.abs(simulated - stated) * counts).sum(axis=1) / counts.sum()
    low, high = np.quantile(simulated, [0.025, 0.975], axis=0)
    columns = zip(counts, stated, observed, low, high, strict=True)
    return {
        **bootstrap.estimates({"error": calibration_error(bins)}, groups, seed),
        "perfect": {
            "mean": float(errors.mean()),
            "low": float(np.quantile(errors, 0.025)),
            "high": float(np.quantile(errors, 0.975)),
        },
        "bins": [
            dict(zip(("n", "stated", "observed", "low", "high"), (int(n), *map(float, rest)), strict=True))
            for n, *rest in columns
        ],
    }


def _simulated_counts(bins: CalibrationBins, seed: int) -> Floats:
    """Returns how often the event happens in each bin if the probabilities are true, float64 (draws, bins)."""
    rng = np.random.default_rng(seed)
    return np.stack([(rng.random(len(bins.probability)) < bins.probability) @ bins.members for _ in range(DRAWS)])


def evaluate_calibration(predictions: Predictions, seed: int) -> dict[str, Any] | None:
    """Evaluates the probability of the most likely class and, under `melanoma`, that of melanoma.

    Returns:
        JSON values as `reliability` returns them; `melanoma` is None without melanomas. None without photographs.
    """
    if not predictions.n:
        return None
    p = predictions.probabilities.astype(np.float64)
    correct = p.argmax(axis=1) == predictions.truth
    report = reliability(equal_mass_bins(p.max(axis=1), correct), predictions.groups, seed)
    melanoma = predictions.melanoma
    if melanoma is None or not (predictions.truth == melanoma).any():
        return {**report, "melanoma": None}
    bins = equal_mass_bins(p[:, melanoma], predictions.truth == melanoma)
    return {**report, "melanoma": reliability(bins, predictions.groups, seed)}


def brier(predictions: Predictions) -> Metric:
    """Returns the Brier score: the squared distance of all probabilities from the truth, 0 (best) to 2.

    Brier: "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.
    """
    truth = np.eye(len(predictions.slugs))[predictions.truth]
    return average(((predictions.probabilities.astype(np.float64) - truth) ** 2).sum(axis=1))


def log_loss(predictions: Predictions) -> Metric:
    """Returns the log loss: the mean negative natural logarithm of the true class's probability.

    Good: "Rational decisions", J. R. Statist. Soc. B 14, 1952. A probability counts as at least 1e-7.
    """
    p = predictions.probabilities[np.arange(predictions.n), predictions.truth].astype(np.float64)
    return average(-np.log(np.maximum(p, LEAST_PROBABILITY)))
