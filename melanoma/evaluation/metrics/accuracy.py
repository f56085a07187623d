"""How often the chosen class is the labelled one: accuracy, recall and related metrics."""

from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Classes, Mask, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.metric import Floats, Metric, ratio, share


def accuracy(truth: Classes, chosen: Classes) -> Metric:
    """Returns the accuracy: the share of all photographs whose chosen class is the labelled one.

    Args:
        truth: int64 (n,), the labelled class.
        chosen: int64 (n,), the chosen class.
    """
    return share(truth == chosen, np.ones(len(truth), np.bool_))


def balanced_accuracy(truth: Classes, chosen: Classes, evaluated: list[int]) -> Metric:
    """Returns the balanced accuracy: the mean recall of the evaluated classes, each counting the same.

    Brodersen, Ong, Stephan, Buhmann: "The balanced accuracy and its posterior distribution", ICPR 2010; the ranking
    metric of the ISIC challenges since 2018. A class that a resample does not contain is left out of its mean.

    Args:
        truth: int64 (n,), the labelled class.
        chosen: int64 (n,), the chosen class.
        evaluated: Indices of the classes that count; the metric is undefined without any.
    """
    of_class = (truth[:, None] == np.asarray(evaluated, np.int64)).astype(np.float64)
    columns = np.hstack([of_class * (truth == chosen)[:, None], of_class])

    def _compute(weights: Floats) -> Floats:
        hits, counts = np.split(weights @ columns, 2, axis=1)
        recalls = ratio(hits, counts)
        present = (counts > 0).sum(axis=1).astype(np.float64)
        return ratio(np.where(counts > 0, recalls, 0).sum(axis=1), present)

    return Metric(_compute, np.isin(truth, evaluated))


def confusion_matrix(predictions: Predictions) -> Classes:
    """Returns the number of photographs by labelled class (rows) and chosen class (columns), int64 (k, k)."""
    k = len(predictions.slugs)
    return np.bincount(predictions.truth * k + predictions.top, minlength=k * k).reshape(k, k)


def binary_metrics(positive: Mask, called: Mask) -> dict[str, Metric]:
    """Returns sensitivity, specificity, ppv, npv and dice of a yes-or-no prediction.

    The sensitivity is undefined without photographs of the class, the specificity without others; the ppv (positive
    predictive value) without photographs predicted to be of the class, the npv without others; the Dice coefficient
    (F1; Dice: "Measures of the amount of ecologic association between species", Ecology 26, 1945) without photographs
    of the class.

    Args:
        positive: bool (n,), photographs of the class.
        called: bool (n,), photographs predicted to be of the class.
    """
    return {
        "sensitivity": share(called, positive),
        "specificity": share(~called, ~positive),
        "ppv": share(positive, called),
        "npv": share(~positive, ~called),
        "dice": _dice(positive, called),
    }


def _dice(positive: Mask, called: Mask) -> Metric:
    columns = np.stack([positive & called, called, positive], axis=1).astype(np.float64)

    def _compute(weights: Floats) -> Floats:
        hits, called_count, positive_count = (weights @ columns).T
        return np.where(positive_count > 0, ratio(2 * hits, called_count + positive_count), np.nan)

    return Metric(_compute, positive | called)


def evaluate_flag(predictions: Predictions, seed: int) -> dict[str, Any] | None:
    """Evaluates `flag_melanoma` as a yes-or-no prediction.

    Returns:
        JSON values: n flagged photographs, and the binary metrics with intervals. None if the model sets no flag or
        does not know melanoma.
    """
    if predictions.flagged is None or predictions.melanoma is None:
        return None
    metrics = binary_metrics(predictions.truth == predictions.melanoma, predictions.flagged)
    return {"n": int(predictions.flagged.sum()), **bootstrap.estimates(metrics, predictions.groups, seed)}


def evaluate_review(predictions: Predictions, seed: int) -> dict[str, Any] | None:
    """Evaluates the referral rule: how many photographs go to a person, and how accurate both parts are.

    Returns:
        JSON values: n referred photographs; share, accuracy_kept and accuracy_sent with intervals. None if the model
        has no such rule.
    """
    if predictions.review is None:
        return None
    referred, correct = predictions.review, predictions.truth == predictions.top
    metrics = {
        "share": share(referred, np.ones(predictions.n, np.bool_)),
        "accuracy_kept": share(correct, ~referred),
        "accuracy_sent": share(correct, referred),
    }
    return {"n": int(referred.sum()), **bootstrap.estimates(metrics, predictions.groups, seed)}
