"""The distribution of a network's outputs on its validation photographs, with which later runs are compared."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from melanoma.json_values import few, number, shares, typed

BINS = 10
LOOK_LIMIT, WARNING_LIMIT = 0.1, 0.2  # of the population stability index
CALM, LOOK, WARN = "calm", "look", "warn"
MIN_PHOTOGRAPHS = 200  # with ten bins, two samples of this size differ by an index of 0.09 by chance alone
TOP_LABEL = "top_label"
_PREFIX, _OOD_SCORE = "p_", "ood_score"  # the names of the columns in the score table
_KEYS = ("histograms", "n", "top_label")


def reference_of(
    slugs: Sequence[str],
    probabilities: npt.NDArray[np.floating[Any]],
    top: npt.NDArray[np.int64],
    ood: npt.NDArray[np.floating[Any]] | None = None,
) -> dict[str, Any]:
    """Summarises a network's outputs on photographs.

    Args:
        slugs: Slugs of the labels.
        probabilities: (photographs, labels), at least one photograph.
        top: int64 (photographs,), index of each `top_label`.
        ood: (photographs,), 0 to 1, if the network has an `ood_score`.

    Returns:
        JSON values: `n`, the number of photographs; `histograms`, ten shares of sum 1 for each column `p_<slug>` and
        for `ood_score` if there is one; `top_label`, the share of each slug.
    """
    histograms = {f"{_PREFIX}{slug}": histogram(probabilities[:, index]) for index, slug in enumerate(slugs)}
    if ood is not None:
        histograms[_OOD_SCORE] = histogram(ood)
    counts = np.bincount(top, minlength=len(slugs))
    labels = {slug: float(count / len(top)) for slug, count in zip(slugs, counts, strict=True)}
    return {"n": len(top), "histograms": histograms, "top_label": labels}


def histogram(values: npt.NDArray[np.floating[Any]]) -> list[float]:
    """Returns the shares of values in ten equal bins from 0 to 1; a bin includes its lower end, the last one also 1."""
    bins = np.minimum((np.asarray(values, np.float64) * BINS).astype(np.int64), BINS - 1)
    return [float(count / len(bins)) for count in np.bincount(bins, minlength=BINS)]


def check_reference(value: Any, slugs: Sequence[str]) -> None:
    """Checks the `reference` of a `bundle.json`, which may be empty.

    Raises:
        ValueError: It is not as `reference_of` returns it.
    """
    reference = typed(dict, value, "reference")
    if not reference:
        return
    if sorted(reference) != list(_KEYS):
        raise ValueError(f"reference has the keys {few(reference.keys())}, expected {few(_KEYS)} or none")
    number(typed(int, reference["n"], "reference.n"), "reference.n", low=1, high=math.inf)
    histograms = typed(dict, reference["histograms"], "reference.histograms")
    columns = {f"{_PREFIX}{slug}" for slug in slugs}
    if histograms.keys() - {_OOD_SCORE} != columns:
        raise ValueError(f"reference.histograms has the keys {few(histograms.keys())}, expected {few(columns)}")
    for column, bins in histograms.items():
        name = f"histogram of {column}"
        _check_sum([number(share, name, 0.0, 1.0) for share in typed(list, bins, name, BINS)], name)
    _check_sum(list(shares(reference["top_label"], "reference.top_label", slugs).values()), "reference.top_label")


def _check_sum(parts: Sequence[float], name: str) -> None:
    if not math.isclose(sum(parts), 1.0, abs_tol=1e-6):
        raise ValueError(f"{name} sums to {sum(parts):g}, not to 1")
