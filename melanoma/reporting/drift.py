"""Prediction drift: whether the predictions of a run are distributed like those of earlier runs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from melanoma.model.reference_distribution import (
    CALM,
    LOOK,
    LOOK_LIMIT,
    MIN_PHOTOGRAPHS,
    TOP_LABEL,
    WARN,
    WARNING_LIMIT,
)

_RARE_CHI_SQUARED = 33.72  # upper 1e-4 quantile of nine degrees of freedom
Distribution = Mapping[str, Any]  # as `model.reference_distribution.reference_of` returns it; empty if there is none


def stability_index(expected: Sequence[float], expected_n: int, actual: Sequence[float], actual_n: int) -> float:
    """Computes the population stability index (PSI) of two histograms over the same bins.

    Half a photograph is added to every bin, so that an empty bin does not make the index infinite. Without any change,
    its expectation is about (bins - 1) * (1 / expected_n + 1 / actual_n). Source: Yurdakul, "Statistical properties of
    population stability index", 2018.

    Args:
        expected: Shares of the bins before, sum 1.
        expected_n: Number of photographs before, at least 1.
        actual: Shares of the same bins now, sum 1.
        actual_n: Number of photographs now, at least 1.

    Returns:
        0 or more; by convention, above 0.1 is worth a look and above 0.2 is a warning.
    """
    before, now = _smoothed(expected, expected_n), _smoothed(actual, actual_n)
    return sum((b - a) * math.log(b / a) for a, b in zip(before, now, strict=True))


def chance_limit(before: int, now: int) -> float:
    """Returns the stability index that chance alone exceeds in one of ten thousand comparisons of ten bins.

    Without any change, the index is distributed like (1 / before + 1 / now) times a chi-squared variable of nine
    degrees of freedom. Source: Yurdakul, "Statistical properties of population stability index", 2018.

    Args:
        before: Number of photographs before, at least 1.
        now: Number of photographs now, at least 1.
    """
    return _RARE_CHI_SQUARED * (1 / before + 1 / now)


def _smoothed(shares: Sequence[float], n: int) -> list[float]:
    return [(share * n + 0.5) / (n + 0.5 * len(shares)) for share in shares]


def drift(reference: Distribution, current: Distribution) -> dict[str, Any]:
    """Compares the predictions of a run with a reference, column by column.

    Args:
        reference: Distribution to compare with; may be empty.
        current: Distribution of the run; may be empty.

    Returns:
        JSON values: `n`, photographs of the reference; `judged`, whether they could be compared; `reason`, why not;
        `columns`, the PSI of each probability, the `ood_score` and `top_label`; `worst`, the column with the largest
        PSI; `level`, its level (`calm`, `look`, `warn`).
    """
    found: dict[str, Any] = {"n": reference.get("n", 0), "judged": False, "columns": {}}
    if not reference or not current:
        return found | {"reason": "there is nothing to compare"}
    if min(reference["n"], current["n"]) < MIN_PHOTOGRAPHS:
        return found | {"reason": f"fewer than {MIN_PHOTOGRAPHS} photographs, so chance alone would look like drift"}
    columns = {
        name: stability_index(bins, reference["n"], current["histograms"][name], current["n"])
        for name, bins in reference["histograms"].items()
        if name in current["histograms"]
    }
    labels = sorted(set(reference[TOP_LABEL]) | set(current[TOP_LABEL]))
    before, now = ([shares[TOP_LABEL].get(label, 0.0) for label in labels] for shares in (reference, current))
    columns[TOP_LABEL] = stability_index(before, reference["n"], now, current["n"])
    worst = max(columns, key=lambda name: columns[name])
    return found | {"judged": True, "columns": columns, "worst": worst, "level": level_of(columns[worst])}


def level_of(index: float) -> str:
    """Returns the level of a PSI: `calm`, `look` or `warn`."""
    return WARN if index > WARNING_LIMIT else LOOK if index > LOOK_LIMIT else CALM


def last_runs(runs: int) -> str:
    """Returns with what the predictions are compared, in words: a number of earlier runs."""
    return "the last run" if runs == 1 else f"the last {runs} runs"


def pooled(distributions: Sequence[Distribution]) -> dict[str, Any]:
    """Pools the distributions of several runs, weighted by their numbers of photographs; empty if there are none.

    Only histograms that all runs have are pooled.
    """
    present = [one for one in distributions if one]
    n = sum(one["n"] for one in present)
    if not n:
        return {}
    names = set.intersection(*(set(one["histograms"]) for one in present))
    histograms = {name: _mean([one["histograms"][name] for one in present], present, n) for name in sorted(names)}
    labels = sorted(set().union(*(one[TOP_LABEL] for one in present)))
    shares = {label: sum(one[TOP_LABEL].get(label, 0.0) * one["n"] for one in present) / n for label in labels}
    return {"n": n, "histograms": histograms, TOP_LABEL: shares}


def _mean(histograms: Sequence[Sequence[float]], weights: Sequence[Distribution], n: int) -> list[float]:
    return [
        sum(share * one["n"] for share, one in zip(shares, weights, strict=True)) / n
        for shares in zip(*histograms, strict=True)
    ]
