"""How well a probability ranks photographs of a class above the others: curves and the areas under them."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.judging.bootstrap import Floats, Measure, ratio
from melanoma.judging.predictions import Mask

_MOST_POINTS = 200

Scores = npt.NDArray[np.floating[Any]]


class Curve(NamedTuple):
    """Counts at every threshold, from above the highest score down to the lowest; equal scores fall together.

    Attributes:
        hits: float64 (thresholds,), photographs of the class at or above the threshold, from 0 to all of them.
        false_alarms: The same for the others.
    """

    hits: Floats
    false_alarms: Floats


def curve(positive: Mask, scores: Scores) -> Curve:
    """Counts hits and false alarms at every threshold.

    Args:
        positive: bool (n,), photographs of the class.
        scores: float (n,), higher for the class.
    """
    order = np.argsort(-scores, kind="stable")
    last_of_its_score = np.append(np.diff(scores[order]) != 0, True) if len(order) else np.zeros(0, np.bool_)
    hits = np.cumsum(positive[order])[last_of_its_score]
    alarms = np.cumsum(~positive[order])[last_of_its_score]
    return Curve(np.append(0.0, hits), np.append(0.0, alarms))


def auc(positive: Mask, scores: Scores) -> Measure:
    """Measures the area under the ROC curve: the chance that a photograph of the class scores above another one.

    Ties count half (Hanley, McNeil: "The meaning and use of the area under a ROC curve", Radiology 143, 1982). NaN
    without photographs of the class or without others.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))[: len(order)]
    is_positive = positive[order].astype(np.float64)

    def of(weights: Floats) -> Floats:
        sorted_ = weights[:, order]
        hits = np.add.reduceat(sorted_ * is_positive, starts, axis=1)
        others = np.add.reduceat(sorted_, starts, axis=1) - hits
        below = np.cumsum(others, axis=1)
        return ratio((hits * (below - others / 2)).sum(axis=1), hits.sum(axis=1) * others.sum(axis=1))

    return Measure(of, np.ones(len(positive), np.bool_))


def auc_above(found: Curve, sensitivity: float) -> float:
    """Gives the area under the part of the ROC curve whose sensitivity is at least so high, 0 to 1.

    The raw area of the ISIC challenges (isic-challenge-scoring, `auc_above_sensitivity`): under the curve, down to the
    axis, over the false alarm rates at which it has reached `sensitivity`; no McClish correction. A perfect ranking
    gives 1; above 0.8, chance gives 0.18. NaN without photographs of the class or without others.
    """
    if not (found.hits[-1] and found.false_alarms[-1]):
        return math.nan
    rate, alarms = found.hits / found.hits[-1], found.false_alarms / found.false_alarms[-1]
    first = int(np.searchsorted(rate, sensitivity, side="left"))
    start = np.interp(sensitivity, rate[first - 1 : first + 1], alarms[first - 1 : first + 1])
    return float(np.trapezoid(np.append(sensitivity, rate[first:]), np.append(start, alarms[first:])))


def average_precision(found: Curve) -> float:
    """Gives the mean of the precision at every step of the recall, weighted by the step, without interpolation.

    As scikit-learn and the ISIC challenges do. NaN without photographs of the class.
    """
    if not found.hits[-1]:
        return math.nan
    precision = ratio(found.hits, found.hits + found.false_alarms)[1:]
    return float((np.diff(found.hits) * precision).sum() / found.hits[-1])


def roc_points(found: Curve) -> list[list[float]]:
    """Gives at most about 200 points [false alarm rate, sensitivity] of the curve; none where it is not defined."""
    if not (found.hits[-1] and found.false_alarms[-1]):
        return []
    return _thinned(found.false_alarms / found.false_alarms[-1], found.hits / found.hits[-1])


def precision_recall_points(found: Curve) -> list[list[float]]:
    """Gives at most about 200 points [recall, precision] of the curve from its first hit on; none without hits."""
    if not found.hits[-1]:
        return []
    hit = found.hits > 0
    return _thinned(found.hits[hit] / found.hits[-1], ratio(found.hits, found.hits + found.false_alarms)[hit])


def _thinned(x: Floats, y: Floats) -> list[list[float]]:
    """Keeps the first point of every step along the curve, and both ends."""
    along = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    step = np.floor(along / max(along[-1], 1e-12) * _MOST_POINTS)
    kept = np.append(True, np.diff(step) > 0)
    kept[-1] = True
    return [[round(float(a), 5), round(float(b), 5)] for a, b in zip(x[kept], y[kept], strict=True)]
