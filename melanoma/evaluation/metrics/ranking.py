"""How well a probability ranks photographs of a class above the others: ROC and precision-recall curves and areas."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.inputs.predictions import Mask
from melanoma.evaluation.metrics.metric import Floats, Metric, ratio

_MAX_POINTS = 200

Scores = npt.NDArray[np.floating[Any]]


class Curve(NamedTuple):
    """Counts at every threshold, from above the highest score down to the lowest; equal scores share a threshold.

    Attributes:
        hits: float64 (..., thresholds), photographs of the class with at least this score, from 0 to all of them.
        false_alarms: float64 (..., thresholds), the same for the other photographs.
    """

    hits: Floats
    false_alarms: Floats


def curve(positive: Mask, scores: Scores) -> Curve:
    """Counts hits and false alarms at every threshold, each float64 (thresholds,).

    Args:
        positive: bool (n,), photographs of the class.
        scores: float (n,), higher for the class.
    """
    counts = _counter(positive, scores)(np.ones((1, len(positive))))
    return Curve(counts.hits[0], counts.false_alarms[0])


def _counter(positive: Mask, scores: Scores) -> Callable[[Floats], Curve]:
    """Returns a function that counts every photograph as often as its weights, float64 (resamples, n), say."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.append(np.diff(scores[order]) != 0, True)[: len(order)]  # of the photographs with equal scores
    thresholds = np.append(0, np.flatnonzero(is_last) + 1)
    is_positive = positive[order].astype(np.float64)

    def _count(weights: Floats) -> Curve:
        ranked = weights[:, order]
        hits, total = (_added_up(values)[:, thresholds] for values in (ranked * is_positive, ranked))
        return Curve(hits, total - hits)

    return _count


def _added_up(weights: Floats) -> Floats:
    """Returns the running sums of each row, starting with 0; exact, since the weights are whole numbers."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def curve_metric(positive: Mask, scores: Scores, function: Callable[[Curve], Floats]) -> Metric:
    """Returns a metric from a function of the curve, such as an area under it."""
    count = _counter(positive, scores)
    return Metric(lambda weights: function(count(weights)), np.ones(len(positive), np.bool_))


def ranking_metrics(positive: Mask, scores: Scores) -> dict[str, Metric]:
    """Returns auc, average_precision and auc_above_80_sensitivity of a class's scores."""
    return {
        "auc": auc(positive, scores),
        "average_precision": curve_metric(positive, scores, average_precision),
        "auc_above_80_sensitivity": curve_metric(positive, scores, partial(auc_above, sensitivity=0.8)),
    }


def auc(positive: Mask, scores: Scores) -> Metric:
    """Returns the area under the ROC curve: the chance that a photograph of the class scores above another one.

    Hanley, McNeil: "The meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology
    143, 1982: ties count half. Undefined without photographs of the class or without others.
    """
    return curve_metric(positive, scores, area)


def area(counts: Curve) -> Floats:
    """Returns the area under the ROC curve by the trapezoidal rule, float64 (...,); see `auc`."""
    middle = (counts.hits[..., 1:] + counts.hits[..., :-1]) / 2
    whole = counts.hits[..., -1] * counts.false_alarms[..., -1]
    return ratio((middle * np.diff(counts.false_alarms)).sum(axis=-1), whole)


def auc_above(counts: Curve, sensitivity: float) -> Floats:
    """Returns the area under the part of the ROC curve with at least this sensitivity, 0 to 1, float64 (...,).

    The raw area of the ISIC challenges (isic-challenge-scoring, `auc_above_sensitivity`): from the curve down to the
    axis, over the false alarm rates at which the curve has reached `sensitivity`; without McClish's correction. A
    perfect ranking gives 1; above 0.8, chance gives 0.18. NaN without photographs of the class or without others.
    """
    if counts.hits.shape[-1] == 1:
        return np.full(counts.hits.shape[:-1], np.nan)
    rate = ratio(counts.hits, counts.hits[..., -1:])
    alarms = ratio(counts.false_alarms, counts.false_alarms[..., -1:])
    reached = rate >= sensitivity
    first = np.maximum(reached.argmax(axis=-1, keepdims=True), 1)
    before, after = (np.take_along_axis(rate, index, -1) for index in (first - 1, first))
    left, right = (np.take_along_axis(alarms, index, -1) for index in (first - 1, first))
    start = left + (right - left) * ratio(sensitivity - before, after - before)
    # Everything before collapses into the point where the curve reaches the sensitivity.
    return np.trapezoid(np.where(reached, rate, sensitivity), np.where(reached, alarms, start), axis=-1)


def average_precision(counts: Curve) -> Floats:
    """Returns the average precision: the precision at every step of the recall, weighted by the step, float64 (...,).

    Without interpolation, as scikit-learn and the ISIC challenges compute it (Su, Yuan, Zhu: "A relationship between
    the average precision and the area under the ROC curve", ICTIR 2015). NaN without photographs of the class.
    """
    precision = ratio(counts.hits, counts.hits + counts.false_alarms)[..., 1:]
    steps = np.diff(counts.hits)
    return ratio(np.where(steps > 0, steps * precision, 0).sum(axis=-1), counts.hits[..., -1])


def roc_points(counts: Curve) -> list[list[float]]:
    """Returns at most about 200 points [false alarm rate, sensitivity]; none if either rate is undefined."""
    if not (counts.hits[-1] and counts.false_alarms[-1]):
        return []
    return _thinned(counts.false_alarms / counts.false_alarms[-1], counts.hits / counts.hits[-1])


def precision_recall_points(counts: Curve) -> list[list[float]]:
    """Returns at most about 200 points [recall, precision] from the first hit on; none without hits."""
    if not counts.hits[-1]:
        return []
    hit = counts.hits > 0
    precision = ratio(counts.hits, counts.hits + counts.false_alarms)
    return _thinned(counts.hits[hit] / counts.hits[-1], precision[hit])


def _thinned(x: Floats, y: Floats) -> list[list[float]]:
    """Keeps both ends and the first point of every step along the curve; rounds to five decimals."""
    along = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    step = np.floor(along / max(along[-1], 1e-12) * _MAX_POINTS)
    kept = np.append(True, np.diff(step) > 0)
    kept[-1] = True
    return [[round(float(a), 5), round(float(b), 5)] for a, b in zip(x[kept], y[kept], strict=True)]
