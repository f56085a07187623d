"""How good a classifier is on photographs that it never met, with intervals that respect lesions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

MIN_TEST_PHOTOGRAPHS = 10
_RESAMPLES = 2000
_COVERAGE = 0.95

Classes = npt.NDArray[np.int64]


class Estimate(NamedTuple):
    """A figure with its uncertainty.

    Attributes:
        value: The figure, 0 to 1.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n: Photographs that it is based on.
    """

    value: float
    low: float
    high: float
    n: int


def recalls(truth: Classes, predicted: Classes, classes: int) -> tuple[npt.NDArray[np.float64], Classes]:
    """Counts for each class how many of its photographs are recognised.

    Args:
        truth: int64 (photographs,), 0 to classes - 1.
        predicted: The same.
        classes: Number of classes.

    Returns:
        Recall of each class, NaN for one without photographs, and its number of photographs, both (classes,).
    """
    counts = np.bincount(truth, minlength=classes)
    hits = np.bincount(truth[truth == predicted], minlength=classes)
    return _ratio(hits, counts), counts.astype(np.int64)


def balanced_accuracy(truth: Classes, predicted: Classes, evaluated: Sequence[int]) -> float | None:
    """Averages the recall over classes, so that a frequent class counts no more than a rare one.

    Brodersen, Ong, Stephan, Buhmann: "The balanced accuracy and its posterior distribution", ICPR 2010; the measure of
    the ISIC challenges since 2018.

    Args:
        truth: int64 (photographs,).
        predicted: The same.
        evaluated: Classes that count.

    Returns:
        0 to 1; None where none of the evaluated classes has a photograph.
    """
    classes = int(max([*truth, *evaluated], default=0)) + 1
    recall = recalls(truth, predicted, classes)[0][list(evaluated)]
    return None if np.isnan(recall).all() else float(np.nanmean(recall))


def estimate_balanced_accuracy(
    truth: Classes, predicted: Classes, groups: Sequence[str], evaluated: Sequence[int], seed: int
) -> Estimate | None:
    """Balanced accuracy with a percentile interval from whole lesions drawn with replacement.

    Photographs of one lesion resemble each other; resampling them singly would make the interval too narrow (Field,
    Welsh: "Bootstrapping clustered data", J. R. Statist. Soc. B 69, 2007).

    Args:
        truth: int64 (photographs,).
        predicted: The same.
        groups: Lesion or patient of each photograph.
        evaluated: Classes that count.
        seed: Of the resampling.

    Returns:
        The estimate over the photographs of the evaluated classes; None where there are none.
    """
    value = balanced_accuracy(truth, predicted, evaluated)
    if value is None:
        return None
    chosen = np.isin(truth, list(evaluated))
    classes = max(evaluated) + 1
    hits, counts = _resampled(truth[chosen], predicted[chosen], np.asarray(groups)[chosen], classes, seed)
    return Estimate(value, *_interval(np.nanmean(_ratio(hits, counts)[:, list(evaluated)], axis=1)), int(chosen.sum()))


def estimate_accuracy(truth: Classes, predicted: Classes, groups: Sequence[str], seed: int) -> Estimate | None:
    """Share of photographs recognised, whatever their class, with an interval from whole lesions.

    Args:
        truth: int64 (photographs,).
        predicted: The same.
        groups: Lesion or patient of each photograph.
        seed: Of the resampling.

    Returns:
        The estimate; None without photographs.
    """
    if not len(truth):
        return None
    hits, counts = _resampled(truth, predicted, np.asarray(groups), int(truth.max()) + 1, seed)
    return Estimate(float((truth == predicted).mean()), *_interval(hits.sum(1) / counts.sum(1)), len(truth))


def evaluate(
    truth: Classes, predicted: Classes, groups: Sequence[str], labels: Sequence[str], majority: int, seed: int
) -> dict[str, Any]:
    """Judges predictions on the test part, beside the answer that always names one class.

    Args:
        truth: int64 (photographs,), indices into `labels`.
        predicted: The same.
        groups: Lesion or patient of each photograph.
        labels: Slugs.
        majority: The class that the baseline always names: the most frequent one of the training part.
        seed: Of the resampling.

    Returns:
        JSON values: n, groups, evaluated labels, recall of each label, and balanced accuracy and accuracy of the
        network and of the baseline as value, low, high, n. A label with fewer than 10 photographs is not evaluated.
    """
    recall, counts = recalls(truth, predicted, len(labels))
    evaluated = [index for index in range(len(labels)) if counts[index] >= MIN_TEST_PHOTOGRAPHS]
    answers = {"network": predicted, "majority_baseline": np.full_like(truth, majority)}
    figures = {
        name: {
            "balanced_accuracy": _spelt(estimate_balanced_accuracy(truth, answer, groups, evaluated, seed)),
            "accuracy": _spelt(estimate_accuracy(truth, answer, groups, seed)),
        }
        for name, answer in answers.items()
    }
    by_label = {
        label: {"n": int(counts[i]), "evaluated": i in evaluated, "recall": float(recall[i]) if counts[i] else None}
        for i, label in enumerate(labels)
    }
    return {
        "n": len(truth),
        "groups": len(set(groups)),
        "majority_label": labels[majority],
        **figures,
        "recall": by_label,
    }


def _spelt(estimate: Estimate | None) -> dict[str, float | int] | None:
    return None if estimate is None else estimate._asdict()


def _ratio(hits: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    result = np.full(hits.shape, np.nan)
    np.divide(hits, counts, out=result, where=counts > 0)
    return result


def _resampled(
    truth: Classes, predicted: Classes, groups: npt.NDArray[np.str_], classes: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Hits and photographs of each class in every resample, both (resamples, classes)."""
    names, group_of = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), classes), np.int64)
    hits = np.zeros_like(counts)
    np.add.at(counts, (group_of, truth), 1)
    np.add.at(hits, (group_of, truth), truth == predicted)
    times = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), _RESAMPLES)
    return times @ hits, times @ counts


def _interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    tail = 100 * (1 - _COVERAGE) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)
