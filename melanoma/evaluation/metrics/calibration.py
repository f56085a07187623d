"""Whether stated probabilities come true, beside what chance alone does to perfect ones."""

from typing import Any, NamedTuple

import numpy as np

from melanoma.evaluation.inputs.predictions import Mask, Names, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.bootstrap import Floats, Measure, ratio

BINS = 15
DRAWS = 500
LEAST_PROBABILITY = 1e-7


class Stated(NamedTuple):
    """Probabilities of something that happened or did not, in bins of equal mass.

    Attributes:
        probability: float64 (n,), 0 to 1.
        happened: bool (n,).
        members: float64 (n, bins), 1 in the bin of each photograph, else 0.
    """

    probability: Floats
    happened: Mask
    members: Floats


def binned(probability: Floats, happened: Mask) -> Stated:
    """Sorts photographs into at most 15 bins that hold as many each; equal probabilities share a bin.

    Bins of equal mass are less biased than bins of equal width, most of which hold next to nothing (Nixon, Dusenberry,
    Zhang, Jerfel, Tran: "Measuring calibration in deep learning", CVPR workshops 2019).
    """
    edges = np.unique(np.quantile(probability, np.arange(1, BINS) / BINS)) if len(probability) else np.zeros(0)
    bins = np.searchsorted(edges, probability, side="right")
    used, place = np.unique(bins, return_inverse=True)
    return Stated(probability, happened, np.eye(max(len(used), 1))[place])


def calibration_error(stated: Stated) -> Measure:
    """Measures the expected calibration error: the mean distance of what was stated from what happened, over bins.

    Naeini, Cooper, Hauskrecht: "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; Guo,
    Pleiss, Sun, Weinberger: "On calibration of modern neural networks", ICML 2017. 0 to 1. Chance pushes it up
    (Roelofs, Cain, Shlens, Mozer: "Mitigating bias in calibration error estimation", AISTATS 2022).
    """
    gaps = stated.members * (stated.probability - stated.happened)[:, None]

    def compute(weights: Floats) -> Floats:
        return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return Measure(compute, np.ones(len(gaps), np.bool_), is_biased=True)


def judged(stated: Stated, groups: Names, seed: int) -> dict[str, Any]:
    """Gives calibration error, that of perfect probabilities, and the bins of the reliability diagram.

    What perfect probabilities would show comes from 500 draws of what happens if every stated probability is true
    (consistency resampling: Bröcker, Smith: "Increasing the reliability of reliability diagrams", Weather and
    Forecasting 22, 2007).

    Returns:
        JSON values: error, perfect (mean, low, high) and bins (n, stated, observed, low, high: the last two hold 95 %
        of what perfect probabilities would show), the probabilities as shares.
    """
    counts = stated.members.sum(axis=0)
    mean_stated, observed = (stated.members.T @ values / counts for values in (stated.probability, stated.happened))
    shares = _simulated(stated, seed) / counts
    errors = (np.abs(shares - mean_stated) * counts).sum(axis=1) / counts.sum()
    low, high = np.quantile(shares, [0.025, 0.975], axis=0)
    columns = zip(counts, mean_stated, observed, low, high, strict=True)
    return {
        "error": bootstrap.spelt(bootstrap.draw({"": calibration_error(stated)}, groups, seed)[""]),
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


def _simulated(stated: Stated, seed: int) -> Floats:
    """How often it happens in each bin if the stated probabilities are true, (draws, bins)."""
    generator = np.random.default_rng(seed)
    return np.stack(
        [(generator.random(len(stated.probability)) < stated.probability) @ stated.members for _ in range(DRAWS)]
    )


def evaluate_calibration(predictions: Predictions, seed: int) -> dict[str, Any] | None:
    """Judges the most likely class's probability and, under `melanoma`, that of melanoma; None without photographs."""
    if not predictions.n:
        return None
    p = predictions.probabilities.astype(np.float64)
    right = p.argmax(axis=1) == predictions.truth
    found = judged(binned(p.max(axis=1), right), predictions.groups, seed)
    melanoma = predictions.melanoma
    if melanoma is None or not (predictions.truth == melanoma).any():
        return {**found, "melanoma": None}
    stated = binned(p[:, melanoma], predictions.truth == melanoma)
    return {**found, "melanoma": judged(stated, predictions.groups, seed)}


def brier(predictions: Predictions) -> Measure:
    """Measures the Brier score: squared distance of all probabilities from what was true, 0 (best) to 2.

    Brier: "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.
    """
    true = np.eye(len(predictions.slugs))[predictions.truth]
    return bootstrap.average(((predictions.probabilities.astype(np.float64) - true) ** 2).sum(axis=1))


def log_loss(predictions: Predictions) -> Measure:
    """Measures the mean negative natural logarithm of the true class's probability, which counts as at least 1e-7."""
    stated = predictions.probabilities[np.arange(predictions.n), predictions.truth].astype(np.float64)
    return bootstrap.average(-np.log(np.maximum(stated, LEAST_PROBABILITY)))
