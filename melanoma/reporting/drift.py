"""Whether what a model says tonight is spread as it was before."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

LOOK, WARN = 0.1, 0.2
FEWEST = 200  # of ten bins, 200 photographs differ by 0.045 for no reason at all
_TOP_LABEL = "top_label"
Seen = Mapping[str, Any]


def stability_index(expected: Sequence[float], expected_n: int, actual: Sequence[float], actual_n: int) -> float:
    """Computes the population stability index of two histograms over the same bins.

    Half a photograph is added to every bin, so that an empty one does not make it infinite. Under no change at all its
    expectation is about (bins - 1) * (1 / n + 1 / m). Source: Yurdakul, "Statistical properties of population stability
    index", 2018.

    Args:
        expected: Shares of the bins before, sum 1.
        expected_n: Photographs that they are shares of, at least 1.
        actual: Shares of the same bins now.
        actual_n: Photographs that those are shares of, at least 1.

    Returns:
        At least 0; by custom 0.1 is worth a look and 0.2 a warning.
    """
    before, now = _smoothed(expected, expected_n), _smoothed(actual, actual_n)
    return sum((b - a) * math.log(b / a) for a, b in zip(before, now, strict=True))


def _smoothed(shares: Sequence[float], n: int) -> list[float]:
    return [(share * n + 0.5) / (n + 0.5 * len(shares)) for share in shares]


def drift(reference: Seen, tonight: Seen) -> dict[str, Any]:
    """Compares what was seen tonight with a reference, column by column.

    Args:
        reference: As `model.reference_distribution.reference_of` gives it, or nothing.
        tonight: The same.

    Returns:
        JSON values: `n` of the reference, `judged`, `reason` where it was not, `columns` with the index of each
        probability, the `ood_score` and `top_label`, and the `worst` of them with its `level` (`calm`, `look`, `warn`).
    """
    found: dict[str, Any] = {"n": reference.get("n", 0), "judged": False, "columns": {}}
    if not reference or not tonight:
        return found | {"reason": "there is nothing to compare"}
    if min(reference["n"], tonight["n"]) < FEWEST:
        return found | {"reason": f"fewer than {FEWEST} photographs: chance alone would look like drift"}
    columns = {
        name: stability_index(bins, reference["n"], tonight["histograms"][name], tonight["n"])
        for name, bins in reference["histograms"].items()
        if name in tonight["histograms"]
    }
    labels = sorted(set(reference[_TOP_LABEL]) | set(tonight[_TOP_LABEL]))
    before, now = ([seen[_TOP_LABEL].get(label, 0.0) for label in labels] for seen in (reference, tonight))
    columns[_TOP_LABEL] = stability_index(before, reference["n"], now, tonight["n"])
    worst = max(columns, key=lambda name: columns[name])
    return found | {"judged": True, "columns": columns, "worst": worst, "level": level_of(columns[worst])}


def level_of(index: float) -> str:
    """Puts an index into a word: `calm`, `look` or `warn`."""
    return "warn" if index > WARN else "look" if index > LOOK else "calm"


def pooled(nights: Sequence[Seen]) -> dict[str, Any]:
    """Pools what several nights saw, each by its number of photographs; nothing for no night."""
    nights = [night for night in nights if night]
    n = sum(night["n"] for night in nights)
    if not n:
        return {}
    names = set.intersection(*(set(night["histograms"]) for night in nights))
    histograms = {
        name: [
            sum(bins) / n for bins in zip(*([x * s["n"] for x in s["histograms"][name]] for s in nights), strict=True)
        ]
        for name in sorted(names)
    }
    labels = sorted(set().union(*(night[_TOP_LABEL] for night in nights)))
    mix = {label: sum(night[_TOP_LABEL].get(label, 0.0) * night["n"] for night in nights) / n for label in labels}
    return {"n": n, "histograms": histograms, _TOP_LABEL: mix}
