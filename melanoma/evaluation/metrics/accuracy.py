"""How often the class that was chosen is the labelled one: accuracy, recall and their kin."""

from typing import Any

import numpy as np

from melanoma.evaluation.inputs.predictions import Classes, Mask, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.bootstrap import Floats, Measure, ratio, share


def accuracy(truth: Classes, chosen: Classes) -> Measure:
    """Measures the share of photographs whose class was chosen, whatever their class."""
    return share(truth == chosen, np.ones(len(truth), np.bool_))


def balanced_accuracy(truth: Classes, chosen: Classes, evaluated: list[int]) -> Measure:
    """Measures the mean recall of the evaluated classes, so that a frequent class counts no more than a rare one.

    Brodersen, Ong, Stephan, Buhmann: "The balanced accuracy and its posterior distribution", ICPR 2010; the measure of
    the ISIC challenges since 2018. A class that a resample lacks does not count in it.

    Args:
        truth: int64 (n,).
        chosen: The same.
        evaluated: Classes that count; NaN without any.
    """
    of_class = (truth[:, None] == np.asarray(evaluated, np.int64)).astype(np.float64)
    columns = np.hstack([of_class * (truth == chosen)[:, None], of_class])

    def compute(weights: Floats) -> Floats:
        hits, counts = np.split(weights @ columns, 2, axis=1)
        recalls = ratio(hits, counts)
        present = (counts > 0).sum(axis=1).astype(np.float64)
        return ratio(np.where(counts > 0, recalls, 0).sum(axis=1), present)

    return Measure(compute, np.isin(truth, evaluated))


def confusion(predictions: Predictions) -> Classes:
    """Counts photographs by labelled class (rows) and chosen class (columns), int64 (k, k)."""
    k = len(predictions.slugs)
    return np.bincount(predictions.truth * k + predictions.top, minlength=k * k).reshape(k, k)


def two_by_two(positive: Mask, called: Mask) -> dict[str, Measure]:
    """Measures sensitivity, specificity, ppv, npv and dice of a yes-or-no answer, NaN where one is not defined.

    A ppv needs photographs that were taken for the class, an npv such that were not, a Dice coefficient (F1) some that
    are of the class.

    Args:
        positive: bool (n,), photographs of the class.
        called: bool (n,), photographs that were taken for it.
    """
    return {
        "sensitivity": share(called, positive),
        "specificity": share(~called, ~positive),
        "ppv": share(positive, called),
        "npv": share(~positive, ~called),
        "dice": _dice(positive, called),
    }


def _dice(positive: Mask, called: Mask) -> Measure:
    columns = np.stack([positive & called, called, positive], axis=1).astype(np.float64)

    def compute(weights: Floats) -> Floats:
        hits, answers, members = (weights @ columns).T
        return np.where(members > 0, ratio(2 * hits, answers + members), np.nan)

    return Measure(compute, positive | called)


def evaluate_flag(predictions: Predictions, seed: int) -> dict[str, Any] | None:
    """Judges `flag_melanoma`; None where the model sets no flag or does not know melanoma."""
    if predictions.flagged is None or predictions.melanoma is None:
        return None
    positive = predictions.truth == predictions.melanoma
    flagged = predictions.flagged
    samples = bootstrap.draw(two_by_two(positive, flagged), predictions.groups, seed)
    return {"n": int(flagged.sum()), **{name: bootstrap.spelt(sample) for name, sample in samples.items()}}


def evaluate_review(predictions: Predictions, seed: int) -> dict[str, Any] | None:
    """Judges how much goes to a person and how good the rest is; None where the model sends nothing to anybody."""
    if predictions.review is None:
        return None
    sent, right = predictions.review, predictions.truth == predictions.top
    measures = {
        "share": share(sent, np.ones(predictions.n, np.bool_)),
        "accuracy_kept": share(right, ~sent),
        "accuracy_sent": share(right, sent),
    }
    samples = bootstrap.draw(measures, predictions.groups, seed)
    return {"n": int(sent.sum()), **{name: bootstrap.spelt(sample) for name, sample in samples.items()}}
