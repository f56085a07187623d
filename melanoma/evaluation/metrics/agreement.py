"""How far two predictions for the same photographs differ, whichever is correct."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from melanoma.evaluation.inputs.pairing import PredictionPair
from melanoma.evaluation.inputs.predictions import Classes
from melanoma.evaluation.metrics.metric import Floats
from melanoma.evaluation.report import Report

CLOSE = 1e-5  # batch sizes, runners and processors differ by less
_MAX_ROWS = 20
_DIGITS = 16


class Flip(NamedTuple):
    """A change of the chosen class.

    Attributes:
        old: Slug that the old model chose.
        new: Slug that the new model chose.
        n: Number of photographs with this change.
    """

    old: str
    new: str
    n: int


def cohen_kappa(old: Classes, new: Classes, classes: int) -> float | None:
    """Returns Cohen's kappa of two choices: 1 for full agreement, 0 for no more than by chance.

    Cohen: "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960.

    Args:
        old: int64 (n,), 0 to `classes` - 1.
        new: int64 (n,), likewise.
        classes: Number of classes.

    Returns:
        -1 to 1; None if both always choose one and the same class, or without photographs.
    """
    if not len(old):
        return None
    shares = [np.bincount(chosen, minlength=classes) / len(old) for chosen in (old, new)]
    by_chance = float(shares[0] @ shares[1])
    return None if by_chance == 1 else (float((old == new).mean()) - by_chance) / (1 - by_chance)


def agreement(pair: PredictionPair) -> dict[str, Any]:
    """Compares probabilities and chosen classes.

    Photographs are identified by the first 16 digits of their SHA-256, because their names may be patients' names.

    Returns:
        JSON values; docs/models/evaluation.md says what each key means.
    """
    k, known = len(pair.old.slugs), len(pair.common)
    distance = np.abs(pair.new.probabilities[:, :known] - pair.old.probabilities[:, :known])
    largest = distance.max(axis=1)
    flips = np.bincount(pair.old.top * k + pair.new.top, minlength=k * k).reshape(k, k)
    return {
        "n": len(largest),
        "identical": int((largest == 0).sum()),
        "within_1e-5": int((largest <= CLOSE).sum()),
        "largest_difference": float(largest.max()),
        "mean_difference": float(distance.mean()),
        "largest_by_label": {slug: float(distance[:, index].max()) for index, slug in enumerate(pair.common)},
        "same_top_label": int((pair.old.top == pair.new.top).sum()),
        "kappa": cohen_kappa(pair.old.top, pair.new.top, k),
        "top_labels": {
            slug: {"old": int(flips[index].sum()), "new": int(flips[:, index].sum())}
            for index, slug in enumerate(pair.old.slugs)
        },
        "flips": {"labels": list(pair.old.slugs), "counts": flips.tolist()},
        "largest": _largest_changes(pair, distance),
    }


def _largest_changes(pair: PredictionPair, distance: Floats) -> list[dict[str, Any]]:
    """Returns the photographs whose probabilities changed most, largest first; none for unchanged ones."""
    slugs, label, largest = pair.old.slugs, distance.argmax(axis=1), distance.max(axis=1)
    return [
        {
            "sha256": pair.old.sha256[index][:_DIGITS],
            "label": slugs[label[index]],
            "old": float(pair.old.probabilities[index, label[index]]),
            "new": float(pair.new.probabilities[index, label[index]]),
            "old_top": slugs[pair.old.top[index]],
            "new_top": slugs[pair.new.top[index]],
        }
        for index in np.argsort(-largest, kind="stable")[:_MAX_ROWS]
        if largest[index]
    ]


def list_flips(report: Report) -> list[Flip]:
    """Returns the changes of the chosen class, most frequent first, from the JSON values of `agreement`."""
    labels, counts = report["flips"]["labels"], report["flips"]["counts"]
    found = Counter(
        {(labels[a], labels[b]): n for a, row in enumerate(counts) for b, n in enumerate(row) if n and a != b}
    )
    return [Flip(old, new, n) for (old, new), n in found.most_common()]
