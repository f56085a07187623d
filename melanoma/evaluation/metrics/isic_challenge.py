"""The figures of the ISIC challenges, by their own rules, for comparison with what others have published."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import ranking

_SENSITIVITY = 0.8


def evaluate_challenge(predictions: Predictions) -> dict[str, Any]:
    """Gives what isic-challenge-scoring (github.com/ImageMarkup/isic-challenge-scoring) gives, all weights being 1.

    A class is called where its probability is above 0.5, whatever the decision rule. A photograph whose highest
    probability several classes share is undecided, which is wrong. Where no photograph is called a class, its ppv is 1;
    where all are, its npv is 1. Other than there, a class that no label bears, or all do, has no figure (it would be
    given a sensitivity or specificity of 1), and counts in no mean.

    Returns:
        JSON values: balanced_accuracy over the classes that occur, by_label and mean.
    """
    p, truth = predictions.probabilities, predictions.truth
    likeliest = p.max(axis=1, initial=0, keepdims=True)
    decided = (p == likeliest).sum(axis=1) == 1
    right = decided & (p.argmax(axis=1) == truth)
    occurring = np.unique(truth)
    recalls = [float(right[truth == index].mean()) for index in occurring]
    by_label = {slug: _of_class(predictions, index) for index, slug in enumerate(predictions.slugs)}
    defined = [figures for figures in by_label.values() if figures is not None]
    return {
        "balanced_accuracy": float(np.mean(recalls)) if recalls else None,
        "by_label": by_label,
        "mean": {name: float(np.mean([figures[name] for figures in defined])) for name in defined[0]}
        if defined
        else None,
    }


def _of_class(predictions: Predictions, index: int) -> Mapping[str, float] | None:
    positive = predictions.truth == index
    if positive.all() or not positive.any():
        return None
    scores = predictions.probabilities[:, index]
    called = scores > 0.5
    hits, alarms = int((positive & called).sum()), int((~positive & called).sum())
    misses, passes = int(positive.sum()) - hits, int((~positive).sum()) - alarms
    found = ranking.curve(positive, scores)
    return {
        "accuracy": (hits + passes) / predictions.n,
        "sensitivity": hits / (hits + misses),
        "specificity": passes / (passes + alarms),
        "dice": 2 * hits / (2 * hits + alarms + misses),
        "ppv": hits / (hits + alarms) if hits + alarms else 1.0,
        "npv": passes / (passes + misses) if passes + misses else 1.0,
        "auc": float(ranking.auc(positive, scores).compute(np.ones((1, predictions.n)))[0]),
        "auc_above_80_sensitivity": float(ranking.auc_above(found, _SENSITIVITY)),
        "average_precision": float(ranking.average_precision(found)),
    }
