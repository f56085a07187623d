"""A metric as a function of the weight of every photograph, and the two simplest kinds: a share and a mean."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.inputs.predictions import Mask

Floats = npt.NDArray[np.float64]


class Metric(NamedTuple):
    """A metric as a function of weights, so that its value and its resamples have one definition.

    Attributes:
        compute: Takes weights, float64 (resamples, n), and returns the metric of each resample, float64 (resamples,);
            NaN where it is undefined. With all weights 1 it is the metric itself.
        among: bool (n,), the photographs that the metric is based on.
        is_share: Whether the metric is a share of these photographs.
        is_biased: Whether chance alone raises the metric, as it does a mean of absolute differences.
    """

    compute: Callable[[Floats], Floats]
    among: Mask
    is_share: bool = False
    is_biased: bool = False


def ratio(hits: Floats, counts: Floats) -> Floats:
    """Returns hits / counts, NaN where counts is 0; the shapes are broadcast."""
    result = np.full(np.broadcast_shapes(hits.shape, counts.shape), np.nan)
    np.divide(hits, counts, out=result, where=counts > 0)
    return result


def share(hits: Mask, among: Mask) -> Metric:
    """Returns the metric "share of hits among some photographs"; both bool (n,)."""
    columns = np.stack([hits & among, among], axis=1).astype(np.float64)

    def _compute(weights: Floats) -> Floats:
        counted = weights @ columns
        return ratio(counted[:, 0], counted[:, 1])

    return Metric(_compute, among, is_share=True)


def average(values: Floats) -> Metric:
    """Returns the metric "mean of a value that each photograph has"; float64 (n,)."""
    return Metric(lambda weights: ratio(weights @ values, weights.sum(axis=1)), np.ones(len(values), np.bool_))
