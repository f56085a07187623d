"""Calibrates a finished network again by its temperature alone: its weights stay, and with them its biases.

Source: temperature scaling of Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from melanoma.evaluation.inputs.predictions import Classes
from melanoma.evaluation.metrics.subgroups import MIN_SUBGROUP
from melanoma.model.decision import ModelOutput, log_probabilities

Array = npt.NDArray[np.float64]

_FACTORS = (0.05, 20.0)
_SMALLEST = 1e-12  # lower bound of a share of the prior


class _Loss(NamedTuple):
    """The log loss of one source by temperature.

    Attributes:
        logits: float64 (photographs, classes), up to a constant for each photograph.
        truth: int64 (photographs,), class indices.
        weights: float64 (photographs,), sum 1.
    """

    logits: Array
    truth: Classes
    weights: Array

    def at(self, inverse: float) -> float:
        """Returns the log loss where all logits are multiplied by a number."""
        log_p = log_softmax(self.logits * inverse, axis=1)[np.arange(len(self.truth)), self.truth]
        return float(-self.weights @ log_p)


def temperature_factor(
    probabilities: npt.NDArray[np.floating[Any]], truth: Classes, prior: Sequence[float], sources: Sequence[str] = ()
) -> float:
    """Returns the factor by which a temperature has to change.

    Without sources it is the one with the smallest log loss. With sources it is the one under which the log loss of no
    source exceeds by much the smallest that the source could have: the largest such excess is as small as possible. The
    classes of each source then weigh as the prior says, because a temperature cannot and should not make up for a
    source that has more melanomas than others.

    Args:
        probabilities: (photographs, classes), under the temperature that is to change.
        truth: int64 (photographs,), class indices.
        prior: Class shares that the probabilities refer to, sum 1.
        sources: Hospital, camera or collection of each photograph; empty if that is not known. Those with fewer than
            `MIN_SUBGROUP` photographs do not count.

    Returns:
        0.05 to 20; above 1 where the network is overconfident.
    """
    logits, names = log_probabilities(probabilities), np.asarray(sources, str)
    members = [names == name for name in sorted(set(sources) - {""})]
    large = [of for of in members if of.sum() >= MIN_SUBGROUP]
    if not large:
        return 1 / _smallest(_Loss(logits, truth, np.full(len(truth), 1 / len(truth))).at)
    losses = [_Loss(logits[of], truth[of], _weights(truth[of], prior)) for of in large]
    best = [loss.at(_smallest(loss.at)) for loss in losses]
    return 1 / _smallest(lambda inverse: max(loss.at(inverse) - own for loss, own in zip(losses, best, strict=True)))


def _weights(truth: Classes, prior: Sequence[float]) -> Array:
    """Returns weights, sum 1, with which the classes that occur have the shares of the prior."""
    shares = np.maximum(np.asarray(prior, np.float64), _SMALLEST)
    weights = (shares / np.maximum(np.bincount(truth, minlength=len(shares)), 1))[truth]
    normalised: Array = weights / weights.sum()
    return normalised


def _smallest(loss: Callable[[float], float]) -> float:
    """Returns the inverse of a factor with the smallest loss, which is convex in it: a log loss or the largest."""
    bounds = (1 / _FACTORS[1], 1 / _FACTORS[0])
    return float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def retempered(output: ModelOutput, factor: float) -> ModelOutput:
    """Returns the outputs that the network has under a temperature that is larger by a factor; the same bits for 1."""
    if factor == 1:
        return output
    probabilities = np.exp(log_softmax(log_probabilities(output.probabilities) / factor, axis=1)).astype(np.float32)
    return output._replace(probabilities=probabilities)
