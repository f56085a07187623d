"""The metrics of the ISIC challenges, by their own rules, for comparison with published results."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import ranking

_SENSITIVITY = 0.8


def evaluate_challenge(predictions: Predictions) -> dict[str, Any]:
    """Returns what isic-challenge-scoring (github.com/ImageMarkup/isic-challenge-scoring) returns with all weights 1.

    A class is predicted where its probability is above 0.5, whatever the decision rule. A photograph whose highest
    probability several classes share is undecided and counts as wrong. A ppv without predicted photographs is 1, and so
    is an npv without others. In contrast to that program, a class that no label or every label has gets no metrics
    (there: a sensitivity or specificity of 1) and is left out of the means.

    Returns:
        JSON values: balanced_accuracy over the classes that occur, by_label and mean.
    """
    p, truth = predictions.probabilities, predictions.truth
    highest = p.max(axis=1, initial=0, keepdims=True)
    decided = (p == highest).sum(axis=1) == 1
    correct = decided & (p.argmax(axis=1) == truth)
    recalls = [float(correct[truth == index].mean()) for index in np.unique(truth)]
    by_label = {slug: _class_metrics(predictions, index) for index, slug in enumerate(predictions.slugs)}
    defined = [metrics for metrics in by_label.values() if metrics is not None]
    names = defined[0] if defined else ()
    means = {name: float(np.mean([metrics[name] for metrics in defined])) for name in names}
    return {
        "balanced_accuracy": float(np.mean(recalls)) if recalls else None,
        "by_label": by_label,
        "mean": means or None,
    }


def _class_metrics(predictions: Predictions, index: int) -> Mapping[str, float] | None:
    positive = predictions.truth == index
    if positive.all() or not positive.any():
        return None
    scores = predictions.probabilities[:, index]
    called = scores > 0.5
    hits, false_alarms = int((positive & called).sum()), int((~positive & called).sum())
    misses, rejections = int(positive.sum()) - hits, int((~positive).sum()) - false_alarms
    curve = ranking.curve(positive, scores)
    return {
        "accuracy": (hits + rejections) / predictions.n,
        "sensitivity": hits / (hits + misses),
        "specificity": rejections / (rejections + false_alarms),
        "dice": 2 * hits / (2 * hits + false_alarms + misses),
        "ppv": hits / (hits + false_alarms) if hits + false_alarms else 1.0,
        "npv": rejections / (rejections + misses) if rejections + misses else 1.0,
        "auc": float(ranking.area(curve)),
        "auc_above_80_sensitivity": float(ranking.auc_above(curve, _SENSITIVITY)),
        "average_precision": float(ranking.average_precision(curve)),
    }
