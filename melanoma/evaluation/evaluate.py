"""How good a model is on labelled photographs: one report of JSON values, every key in docs/models/evaluation.md."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import bootstrap, ranking
from melanoma.evaluation.metrics.accuracy import (
    accuracy,
    balanced_accuracy,
    confusion,
    evaluate_flag,
    evaluate_review,
    two_by_two,
)
from melanoma.evaluation.metrics.bootstrap import Measure, Sample
from melanoma.evaluation.metrics.calibration import brier, evaluate_calibration, log_loss
from melanoma.evaluation.metrics.isic_challenge import evaluate_challenge
from melanoma.evaluation.metrics.subgroups import evaluate_subgroups

FORMAT = 2
_OF_A_CLASS = ("auc", "average_precision", "auc_above_80_sensitivity")
_OF_AN_ANSWER = ("sensitivity", "specificity", "ppv", "npv", "dice")


def evaluate(predictions: Predictions, seed: int, majority: int | None = None) -> dict[str, Any]:
    """Judges a model's answers by the labels.

    Args:
        predictions: What it said.
        seed: Of the resampling.
        majority: The class that the baseline always names; None for the most frequent one of the labels.

    Returns:
        JSON values; docs/models/evaluation.md says what each key means. What cannot be computed is None.
    """
    majority = int(predictions.counts().argmax()) if majority is None else majority
    samples = bootstrap.draw(_measures(predictions, majority), predictions.groups, seed)
    evaluated = predictions.evaluated()
    macro = bootstrap.mean([samples[f"auc {index}"] for index in evaluated], predictions.n)
    return {
        "format": FORMAT,
        "n": predictions.n,
        "groups": len(np.unique(predictions.groups)),
        "labels": list(predictions.slugs),
        "evaluated": [predictions.slugs[index] for index in evaluated],
        "resamples": bootstrap.RESAMPLES,
        "seed": seed,
        **{name: bootstrap.spelt(samples[name]) for name in ("balanced_accuracy", "accuracy", "brier", "log_loss")},
        "macro_auc": bootstrap.spelt(macro),
        "baseline": _baseline(predictions, majority, samples),
        "by_label": _by_label(predictions, samples),
        "calibration": evaluate_calibration(predictions, seed),
        "flag_melanoma": evaluate_flag(predictions, seed),
        "review": evaluate_review(predictions, seed),
        "confusion": {"labels": list(predictions.slugs), "counts": confusion(predictions).tolist()},
        "curves": _curves(predictions),
        "challenge": evaluate_challenge(predictions),
        "subgroups": evaluate_subgroups(predictions, seed),
    }


def _measures(predictions: Predictions, majority: int) -> dict[str, Measure]:
    truth, top, evaluated = predictions.truth, predictions.top, predictions.evaluated()
    constant = np.full_like(truth, majority)
    measures = {
        "balanced_accuracy": balanced_accuracy(truth, top, evaluated),
        "accuracy": accuracy(truth, top),
        "brier": brier(predictions),
        "log_loss": log_loss(predictions),
        "baseline balanced_accuracy": balanced_accuracy(truth, constant, evaluated),
        "baseline accuracy": accuracy(truth, constant),
    }
    for index in range(len(predictions.slugs)):
        for name, measure in _class_measures(predictions, index).items():
            measures[f"{name} {index}"] = measure
    return measures


def _class_measures(predictions: Predictions, index: int) -> dict[str, Measure]:
    positive, scores = predictions.truth == index, predictions.probabilities[:, index]
    return {
        "auc": ranking.auc(positive, scores),
        "average_precision": ranking.measured(positive, scores, ranking.average_precision),
        "auc_above_80_sensitivity": ranking.measured(positive, scores, partial(ranking.auc_above, sensitivity=0.8)),
        **two_by_two(positive, predictions.top == index),
    }


def _baseline(predictions: Predictions, majority: int, samples: Mapping[str, Sample]) -> dict[str, Any]:
    """What is reached without looking: always one class, or always the class shares of the labels."""
    shares = predictions.counts() / max(predictions.n, 1)
    return {
        "label": predictions.slugs[majority],
        "balanced_accuracy": bootstrap.spelt(samples["baseline balanced_accuracy"]),
        "accuracy": bootstrap.spelt(samples["baseline accuracy"]),
        "brier": 1 - float((shares**2).sum()) if predictions.n else None,
    }


def _by_label(predictions: Predictions, samples: Mapping[str, Sample]) -> dict[str, Any]:
    counts, evaluated = predictions.counts(), predictions.evaluated()
    return {
        slug: {
            "n": int(counts[index]),
            "evaluated": index in evaluated,
            **{name: bootstrap.spelt(samples[f"{name} {index}"]) for name in (*_OF_A_CLASS, *_OF_AN_ANSWER)},
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
