"""How far two answers to the same photographs lie apart, whoever is right."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from melanoma.errors import DataError
from melanoma.evaluation.inputs.predictions import Classes
from melanoma.evaluation.inputs.table_predictions import Answers

CLOSE = 1e-5  # between batch sizes, runners and processors
_MOST_ROWS = 20
_DIGITS = 16


@dataclass(frozen=True)
class Pair:
    """Two answers to each of the same photographs, in the same order and with the same classes.

    Attributes:
        old: The one answer.
        new: The other one.
        common: Classes that both models know.
        only_old: Photographs that only the first one answered.
        only_new: Photographs that only the second one answered.
        other_bytes: Ids that both answered, but for different contents; left out.
    """

    old: Answers
    new: Answers
    common: tuple[str, ...]
    only_old: int
    only_new: int
    other_bytes: int


def pair(old: Answers, new: Answers) -> Pair:
    """Brings two answers together by the ids of the photographs.

    Raises:
        DataError: They have no photograph or no class in common.
    """
    place_of = {image_id: place for place, image_id in enumerate(new.image_ids)}
    both = [(place, place_of[image_id]) for place, image_id in enumerate(old.image_ids) if image_id in place_of]
    same = [(a, b) for a, b in both if not old.sha256[a] or not new.sha256[b] or old.sha256[a] == new.sha256[b]]
    common = tuple(slug for slug in old.slugs if slug in new.slugs)
    if not same or not common:
        lacking = "class" if same else "photograph"
        raise DataError(f"{old.model_id} in {old.table} and {new.model_id} in {new.table} have no {lacking} in common")
    slugs = (*common, *(slug for slug in (*old.slugs, *new.slugs) if slug not in common))
    return Pair(
        old=old.take([a for a, _ in same], slugs),
        new=new.take([b for _, b in same], slugs),
        common=common,
        only_old=len(old.image_ids) - len(both),
        only_new=len(new.image_ids) - len(both),
        other_bytes=len(both) - len(same),
    )


def kappa(old: Classes, new: Classes, classes: int) -> float | None:
    """Gives Cohen's kappa of two choices: 1 where they always agree, 0 where no more than by chance.

    Cohen: "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960.

    Args:
        old: int64 (n,), 0 to `classes` - 1.
        new: The same.
        classes: Number of classes.

    Returns:
        -1 to 1; None where both always choose one and the same class, or without photographs.
    """
    if not len(old):
        return None
    shares = [np.bincount(chosen, minlength=classes) / len(old) for chosen in (old, new)]
    by_chance = float(shares[0] @ shares[1])
    return None if by_chance == 1 else (float((old == new).mean()) - by_chance) / (1 - by_chance)


def agreement(found: Pair) -> dict[str, Any]:
    """Compares the probabilities and the chosen classes.

    A photograph is named by the first 16 digits of its sha256, for its name may be a patient's.

    Returns:
        JSON values; docs/models/evaluation.md says what each key means.
    """
    k, known = len(found.old.slugs), len(found.common)
    distance = np.abs(found.new.probabilities[:, :known] - found.old.probabilities[:, :known])
    largest = distance.max(axis=1)
    flips = np.bincount(found.old.top * k + found.new.top, minlength=k * k).reshape(k, k)
    return {
        "n": len(largest),
        "identical": int((largest == 0).sum()),
        "within_1e-5": int((largest <= CLOSE).sum()),
        "largest_difference": float(largest.max()),
        "mean_difference": float(distance.mean()),
        "largest_by_label": {slug: float(distance[:, index].max()) for index, slug in enumerate(found.common)},
        "same_top_label": int((found.old.top == found.new.top).sum()),
        "kappa": kappa(found.old.top, found.new.top, k),
        "top_labels": {
            slug: {"old": int(flips[index].sum()), "new": int(flips[:, index].sum())}
            for index, slug in enumerate(found.old.slugs)
        },
        "flips": {"labels": list(found.old.slugs), "counts": flips.tolist()},
        "largest": _largest(found, distance.argmax(axis=1), largest),
    }


def _largest(found: Pair, label: Classes, largest: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """The photographs that moved most, the most first; none that did not move."""
    slugs, rows = found.old.slugs, []
    for place in np.argsort(-largest, kind="stable")[:_MOST_ROWS]:
        if largest[place]:
            rows.append(
                {
                    "sha256": found.old.sha256[place][:_DIGITS],
                    "label": slugs[label[place]],
                    "old": float(found.old.probabilities[place, label[place]]),
                    "new": float(found.new.probabilities[place, label[place]]),
                    "old_top": slugs[found.old.top[place]],
                    "new_top": slugs[found.new.top[place]],
                }
            )
    return rows


def flipped(report: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Gives which class became which and how often, the most frequent first, from the JSON values of `agreement`."""
    labels, counts = report["flips"]["labels"], report["flips"]["counts"]
    found = Counter(
        {(labels[a], labels[b]): n for a, row in enumerate(counts) for b, n in enumerate(row) if n and a != b}
    )
    return [(old, new, n) for (old, new), n in found.most_common()]
