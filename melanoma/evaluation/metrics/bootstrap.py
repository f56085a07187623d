"""Intervals from whole lesions drawn with replacement; a measure is a function of every photograph's weight."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.inputs.predictions import Mask, Names

RESAMPLES = 1000
COVERAGE = 0.95
_CHUNK = 1_000_000  # weights held at a time

Floats = npt.NDArray[np.float64]


class Measure(NamedTuple):
    """A figure as a function of weights, so that one definition serves the figure and its resamples.

    Attributes:
        compute: Takes weights, float64 (resamples, n), and gives the figure of each resample, (resamples,), NaN where
            it is not defined. Under weights of 1 it is the figure itself.
        among: bool (n,), the photographs that it is based on.
        is_share: Whether it counts hits among these photographs.
        is_biased: Whether chance alone pushes it up, as it does a mean of absolute differences.
    """

    compute: Callable[[Floats], Floats]
    among: Mask
    is_share: bool = False
    is_biased: bool = False


class Estimate(NamedTuple):
    """A figure with its uncertainty.

    Attributes:
        value: The figure.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n: Photographs that it is based on.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Sample:
    """A figure and what it came to in every resample.

    Attributes:
        value: The figure, NaN where it is not defined.
        draws: float64 (resamples,).
        n: Photographs that it is based on.
        groups: Their lesions or patients, where the figure is a share, else 0.
        is_biased: As in `Measure`.
    """

    value: float
    draws: Floats
    n: int
    groups: int = 0
    is_biased: bool = False

    def estimate(self) -> Estimate | None:
        """Gives value and interval; None where the figure is not defined.

        The interval holds the middle 95 % of the resamples (Efron 1979). That of a biased figure is reflected at the
        value, which takes the bias out instead of doubling it (the basic interval of Davison, Hinkley: "Bootstrap
        Methods", 1997). A share of none or all would have no width: its open end is Clopper's and Pearson's (1934)
        over groups.
        """
        if math.isnan(self.value):
            return None
        tail = (1 - COVERAGE) / 2
        low, high = (float(end) for end in np.nanquantile(self.draws, [tail, 1 - tail]))
        if self.is_biased:
            low, high = max(0.0, 2 * self.value - high), max(0.0, 2 * self.value - low)
        elif self.groups and self.value in (0.0, 1.0):
            bound = tail ** (1 / self.groups)
            low, high = (bound, 1.0) if self.value else (0.0, 1 - bound)
        return Estimate(self.value, low, high, self.n)


def mean(samples: Sequence[Sample], n: int) -> Sample:
    """Averages figures, and their resamples alike, over those that are defined."""
    if not samples:
        return Sample(math.nan, np.full(RESAMPLES, np.nan), n)
    stacked = np.stack([np.append(sample.draws, sample.value) for sample in samples])
    defined = ~np.isnan(stacked)
    averaged = ratio(np.where(defined, stacked, 0).sum(axis=0), defined.sum(axis=0).astype(np.float64))
    return Sample(float(averaged[-1]), averaged[:-1], n)


def difference(new: Sample, old: Sample) -> Sample:
    """Subtracts two figures of the same photographs, resample by resample, so that what they share drops out."""
    return Sample(new.value - old.value, new.draws - old.draws, new.n)


def spelt(sample: Sample) -> dict[str, Any] | None:
    """Gives the estimate as JSON values: value, low, high, n; None where the figure is not defined."""
    estimate = sample.estimate()
    return None if estimate is None else estimate._asdict()


def draw(measures: Mapping[str, Measure], groups: Names, seed: int) -> dict[str, Sample]:
    """Computes figures and their resamples over the same draws of whole groups, so that differences are paired.

    Photographs of one lesion resemble each other; resampling them singly would make the interval too narrow (Field,
    Welsh: "Bootstrapping clustered data", J. R. Statist. Soc. B 69, 2007).

    Args:
        measures: By name.
        groups: Text (n,), lesion or patient of each photograph.
        seed: Of the resampling.
    """
    once = np.ones((1, len(groups)))
    values = {name: float(measure.compute(once)[0]) for name, measure in measures.items()}
    chunks: dict[str, list[Floats]] = {name: [] for name in measures}
    for weights in _weights(groups, seed):
        for name, measure in measures.items():
            chunks[name].append(measure.compute(weights))
    return {
        name: Sample(
            values[name],
            np.concatenate(chunks[name]) if chunks[name] else np.full(RESAMPLES, np.nan),
            int(measure.among.sum()),
            len(np.unique(groups[measure.among])) if measure.is_share else 0,
            measure.is_biased,
        )
        for name, measure in measures.items()
    }


def _weights(groups: Names, seed: int) -> Iterator[Floats]:
    """Gives how often each photograph was drawn, (resamples of a chunk, n)."""
    names, group_of = np.unique(groups, return_inverse=True)
    if not len(names):
        return
    generator = np.random.default_rng(seed)
    most = max(1, _CHUNK // len(groups))
    for first in range(0, RESAMPLES, most):
        rows = min(most, RESAMPLES - first)
        drawn = generator.integers(0, len(names), (rows, len(names))) + len(names) * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * len(names)).reshape(rows, len(names))
        yield times[:, group_of].astype(np.float64)


def ratio(hits: Floats, counts: Floats) -> Floats:
    """Divides, giving NaN where there is nothing to divide by."""
    result = np.full(np.broadcast_shapes(hits.shape, counts.shape), np.nan)
    np.divide(hits, counts, out=result, where=counts > 0)
    return result


def share(hits: Mask, among: Mask) -> Measure:
    """Measures the share of hits among photographs, both bool (n,)."""
    columns = np.stack([hits & among, among], axis=1).astype(np.float64)

    def compute(weights: Floats) -> Floats:
        counted = weights @ columns
        return ratio(counted[:, 0], counted[:, 1])

    return Measure(compute, among, is_share=True)


def average(values: Floats) -> Measure:
    """Measures the mean of a value that each photograph has, float64 (n,)."""
    return Measure(lambda weights: ratio(weights @ values, weights.sum(axis=1)), np.ones(len(values), np.bool_))
