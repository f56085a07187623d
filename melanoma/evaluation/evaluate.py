"""How good a model is on labelled photographs: one report of JSON values; docs/models/evaluation.md lists its keys."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import bootstrap, ranking
from melanoma.evaluation.metrics.accuracy import (
    accuracy,
    balanced_accuracy,
    binary_metrics,
    confusion_matrix,
    evaluate_flag,
    evaluate_review,
)
from melanoma.evaluation.metrics.bootstrap import Resampled
from melanoma.evaluation.metrics.calibration import brier, evaluate_calibration, log_loss
from melanoma.evaluation.metrics.isic_challenge import evaluate_challenge
from melanoma.evaluation.metrics.metric import Metric
from melanoma.evaluation.metrics.subgroups import evaluate_subgroups

FORMAT = 2
_OVERALL = ("balanced_accuracy", "accuracy", "brier", "log_loss")
_OF_A_CLASS = (
    *("auc", "average_precision", "auc_above_80_sensitivity"),
    *("sensitivity", "specificity", "ppv", "npv", "dice"),
)


def evaluate(predictions: Predictions, seed: int, majority: int | None = None) -> dict[str, Any]:
    """Evaluates predictions against their labels.

    Args:
        predictions: The predictions.
        seed: Seed of the bootstrap.
        majority: Index of the class that the baseline always predicts; None for the most frequent label.

    Returns:
        JSON values; docs/models/evaluation.md says what each key means. A metric that is undefined is None.
    """
    majority = int(predictions.counts().argmax()) if majority is None else majority
    resampled = bootstrap.resample(_metrics(predictions, majority), predictions.groups, seed)
    evaluated = predictions.evaluated()
    macro_auc = bootstrap.mean([resampled[f"auc {index}"] for index in evaluated], predictions.n)
    return {
        "format": FORMAT,
        "n": predictions.n,
        "groups": len(np.unique(predictions.groups)),
        "labels": list(predictions.slugs),
        "evaluated": [predictions.slugs[index] for index in evaluated],
        "resamples": bootstrap.RESAMPLES,
        "seed": seed,
        **{name: resampled[name].to_json() for name in _OVERALL},
        "macro_auc": macro_auc.to_json(),
        "baseline": _baseline(predictions, majority, resampled),
        "by_label": _by_label(predictions, resampled),
        "calibration": evaluate_calibration(predictions, seed),
        "flag_melanoma": evaluate_flag(predictions, seed),
        "review": evaluate_review(predictions, seed),
        "confusion": {"labels": list(predictions.slugs), "counts": confusion_matrix(predictions).tolist()},
        "curves": _curves(predictions),
        "challenge": evaluate_challenge(predictions),
        "subgroups": evaluate_subgroups(predictions, seed),
    }


def _metrics(predictions: Predictions, majority: int) -> dict[str, Metric]:
    """Returns every metric that shares the resamples; those of a class are named by its index, as in `auc 0`."""
    truth, top, evaluated = predictions.truth, predictions.top, predictions.evaluated()
    constant = np.full_like(truth, majority)
    return {
        "balanced_accuracy": balanced_accuracy(truth, top, evaluated),
        "accuracy": accuracy(truth, top),
        "brier": brier(predictions),
        "log_loss": log_loss(predictions),
        "baseline balanced_accuracy": balanced_accuracy(truth, constant, evaluated),
        "baseline accuracy": accuracy(truth, constant),
        **{
            f"{name} {index}": metric
            for index in range(len(predictions.slugs))
            for name, metric in _class_metrics(predictions, index).items()
        },
    }


def _class_metrics(predictions: Predictions, index: int) -> dict[str, Metric]:
    positive = predictions.truth == index
    return {
        **ranking.ranking_metrics(positive, predictions.probabilities[:, index]),
        **binary_metrics(positive, predictions.top == index),
    }


def _baseline(predictions: Predictions, majority: int, resampled: Mapping[str, Resampled]) -> dict[str, Any]:
    """Returns the metrics of two constant predictions: always one class, and always the class shares of the labels."""
    shares = predictions.counts() / max(predictions.n, 1)
    return {
        "label": predictions.slugs[majority],
        "balanced_accuracy": resampled["baseline balanced_accuracy"].to_json(),
        "accuracy": resampled["baseline accuracy"].to_json(),
        "brier": 1 - float((shares**2).sum()) if predictions.n else None,
    }


def _by_label(predictions: Predictions, resampled: Mapping[str, Resampled]) -> dict[str, Any]:
    counts, evaluated = predictions.counts(), predictions.evaluated()
    return {
        slug: {
            "n": int(counts[index]),
            "evaluated": index in evaluated,
            **{name: resampled[f"{name} {index}"].to_json() for name in _OF_A_CLASS},
        }
        for index, slug in enumerate(predictions.slugs)
    }


def _curves(predictions: Predictions) -> dict[str, Any]:
    curves = {
        slug: ranking.curve(predictions.truth == index, predictions.probabilities[:, index])
        for index, slug in enumerate(predictions.slugs)
    }
    return {
        slug: {"roc": ranking.roc_points(curve), "precision_recall": ranking.precision_recall_points(curve)}
        for slug, curve in curves.items()
    }
