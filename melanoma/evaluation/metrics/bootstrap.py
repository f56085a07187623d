"""Bootstrap intervals of metrics, from resampling whole lesions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from melanoma.evaluation.inputs.predictions import Names
from melanoma.evaluation.metrics.metric import Floats, Metric, ratio

RESAMPLES = 1000
COVERAGE = 0.95
_CHUNK = 1_000_000  # weights in memory at a time


class Estimate(NamedTuple):
    """A metric with its uncertainty.

    Attributes:
        value: The metric.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
        n: Number of photographs that the metric is based on.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Resampled:
    """A metric and its value in every resample.

    Attributes:
        value: The metric; NaN if it is undefined.
        resamples: float64 (resamples,); NaN where it is undefined.
        n: Number of photographs that it is based on.
        groups: Number of their lesions or patients if the metric is a share, else 0.
        is_biased: As in `Metric`.
    """

    value: float
    resamples: Floats
    n: int
    groups: int = 0
    is_biased: bool = False

    def estimate(self) -> Estimate | None:
        """Returns the value and its interval; None if the metric is undefined.

        The interval holds the middle 95 % of the resamples (percentile interval; Efron, Tibshirani: "An Introduction to
        the Bootstrap", 1993, chapter 13). That of a biased metric is reflected at the value, which removes the bias
        instead of doubling it (basic interval; Davison, Hinkley: "Bootstrap Methods and their Application", 1997). A
        share of 0 or 1 would get an interval without width; its open end is that of Clopper and Pearson (Biometrika 26,
        1934) over groups, which has a closed form here.
        """
        if math.isnan(self.value):
            return None
        tail = (1 - COVERAGE) / 2
        low, high = (float(end) for end in np.nanquantile(self.resamples, [tail, 1 - tail]))
        if self.is_biased:
            low, high = max(0.0, 2 * self.value - high), max(0.0, 2 * self.value - low)
        elif self.groups and self.value in (0.0, 1.0):
            bound = tail ** (1 / self.groups)
            low, high = (bound, 1.0) if self.value else (0.0, 1 - bound)
        return Estimate(self.value, low, high, self.n)

    def to_json(self) -> dict[str, Any] | None:
        """Returns the estimate as JSON values: value, low, high and n; None if the metric is undefined."""
        estimate = self.estimate()
        return None if estimate is None else estimate._asdict()


def mean(metrics: Sequence[Resampled], n: int) -> Resampled:
    """Returns the mean of the metrics that are defined, resample by resample; `n` is its number of photographs."""
    if not metrics:
        return Resampled(math.nan, np.full(RESAMPLES, np.nan), n)
    stacked = np.stack([np.append(metric.resamples, metric.value) for metric in metrics])
    defined = ~np.isnan(stacked)
    averaged = ratio(np.where(defined, stacked, 0).sum(axis=0), defined.sum(axis=0).astype(np.float64))
    return Resampled(float(averaged[-1]), averaged[:-1], n)


def difference(new: Resampled, old: Resampled) -> Resampled:
    """Returns new minus old on the same photographs, resample by resample, so that what they share cancels out."""
    return Resampled(new.value - old.value, new.resamples - old.resamples, new.n)


def estimates(metrics: Mapping[str, Metric], groups: Names, seed: int) -> dict[str, dict[str, Any] | None]:
    """Returns metrics with their intervals as JSON values, by name, from one set of resamples; see `resample`."""
    return {name: resampled.to_json() for name, resampled in resample(metrics, groups, seed).items()}


def resample(metrics: Mapping[str, Metric], groups: Names, seed: int) -> dict[str, Resampled]:
    """Computes metrics and their resamples, all on the same draws of whole groups, so that differences are paired.

    Photographs of one lesion resemble each other; resampling them one by one would make the interval too narrow (Field,
    Welsh: "Bootstrapping clustered data", J. R. Statist. Soc. B 69, 2007).

    Args:
        metrics: The metrics, by name.
        groups: Text (n,), the lesion or patient of each photograph.
        seed: Seed of the resampling.
    """
    once = np.ones((1, len(groups)))
    values = {name: float(metric.compute(once)[0]) for name, metric in metrics.items()}
    chunks: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in _weights(groups, seed):
        for name, metric in metrics.items():
            chunks[name].append(metric.compute(weights))
    return {
        name: Resampled(
            values[name],
            np.concatenate(chunks[name]) if chunks[name] else np.full(RESAMPLES, np.nan),
            int(metric.among.sum()),
            len(np.unique(groups[metric.among])) if metric.is_share else 0,
            metric.is_biased,
        )
        for name, metric in metrics.items()
    }


def _weights(groups: Names, seed: int) -> Iterator[Floats]:
    """Yields how often each photograph was drawn, float64 (resamples of a chunk, n); nothing without photographs."""
    names, group_of = np.unique(groups, return_inverse=True)
    if not len(names):
        return
    rng = np.random.default_rng(seed)
    chunk = max(1, _CHUNK // len(groups))
    for first in range(0, RESAMPLES, chunk):
        rows = min(chunk, RESAMPLES - first)
        drawn = rng.integers(0, len(names), (rows, len(names))) + len(names) * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * len(names)).reshape(rows, len(names))
        yield times[:, group_of].astype(np.float64)
