"""How well a probability ranks photographs of a class above the others: curves and the areas under them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.inputs.predictions import Mask
from melanoma.evaluation.metrics.bootstrap import Floats, Measure, ratio

_MOST_POINTS = 200

Scores = npt.NDArray[np.floating[Any]]


class Curve(NamedTuple):
    """Counts at every threshold, from above the highest score down to the lowest; equal scores fall together.

    Attributes:
        hits: float64 (..., thresholds), photographs of the class at or above the threshold, from 0 to all of them.
        false_alarms: The same for the others.
    """

    hits: Floats
    false_alarms: Floats


def curve(positive: Mask, scores: Scores) -> Curve:
    """Counts hits and false alarms at every threshold, (thresholds,).

    Args:
        positive: bool (n,), photographs of the class.
        scores: float (n,), higher for the class.
    """
    found = _counter(positive, scores)(np.ones((1, len(positive))))
    return Curve(found.hits[0], found.false_alarms[0])


def _counter(positive: Mask, scores: Scores) -> Callable[[Floats], Curve]:
    """Gives what counts photographs as often as their weights, (resamples, n), say."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))[: len(order)]
    is_positive = positive[order].astype(np.float64)

    def count(weights: Floats) -> Curve:
        drawn = weights[:, order]
        return Curve(_added_up(drawn * is_positive, starts), _added_up(drawn * (1 - is_positive), starts))

    return count


def _added_up(weights: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    steps = np.add.reduceat(weights, starts, axis=1) if len(starts) else weights
    return np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)


def measured(positive: Mask, scores: Scores, figure: Callable[[Curve], Floats]) -> Measure:
    """Makes a figure of the curve one of every photograph's weight."""
    count = _counter(positive, scores)
    return Measure(lambda weights: figure(count(weights)), np.ones(len(positive), np.bool_))


def auc(positive: Mask, scores: Scores) -> Measure:
    """Measures the area under the ROC curve: the chance that a photograph of the class scores above another one.

    Ties count half (Hanley, McNeil: "The meaning and use of the area under a ROC curve", Radiology 143, 1982). NaN
    without photographs of the class or without others.
    """
    return measured(positive, scores, _area)


def _area(found: Curve) -> Floats:
    middle = (found.hits[..., 1:] + found.hits[..., :-1]) / 2
    return ratio((middle * np.diff(found.false_alarms)).sum(axis=-1), found.hits[..., -1] * found.false_alarms[..., -1])


def auc_above(found: Curve, sensitivity: float) -> Floats:
    """Gives the area under the part of the ROC curve whose sensitivity is at least so high, 0 to 1.

    The raw area of the ISIC challenges (isic-challenge-scoring, `auc_above_sensitivity`): under the curve, down to the
    axis, over the false alarm rates at which it has reached `sensitivity`; no McClish correction. A perfect ranking
    gives 1; above 0.8, chance gives 0.18. NaN without photographs of the class or without others.
    """
    if found.hits.shape[-1] == 1:
        return np.full(found.hits.shape[:-1], np.nan)
    rate = ratio(found.hits, found.hits[..., -1:])
    alarms = ratio(found.false_alarms, found.false_alarms[..., -1:])
    reached = rate >= sensitivity
    first = np.maximum(reached.argmax(axis=-1, keepdims=True), 1)
    before, after = (np.take_along_axis(rate, index, -1) for index in (first - 1, first))
    left, right = (np.take_along_axis(alarms, index, -1) for index in (first - 1, first))
    start = left + (right - left) * ratio(sensitivity - before, after - before)
    # All that lies before collapses into the point where the curve gets there.
    return np.trapezoid(np.where(reached, rate, sensitivity), np.where(reached, alarms, start), axis=-1)


def average_precision(found: Curve) -> Floats:
    """Gives the mean of the precision at every step of the recall, weighted by the step, without interpolation.

    As scikit-learn and the ISIC challenges do. NaN without photographs of the class.
    """
    precision = ratio(found.hits, found.hits + found.false_alarms)[..., 1:]
    steps = np.diff(found.hits)
    return ratio(np.where(steps > 0, steps * precision, 0).sum(axis=-1), found.hits[..., -1])


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
