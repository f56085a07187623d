"""Calibrates a finished network again by its temperature alone: its weights stay, and with them its biases.

Source: temperature scaling of Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from melanoma.evaluation.inputs.predictions import Classes
from melanoma.evaluation.metrics.subgroups import MIN_SUBGROUP
from melanoma.model.decision import ModelOutput

_FACTORS = (0.05, 20.0)
_SMALLEST = 1e-12  # lower bound of a probability inside a logarithm


def temperature_factor(
    probabilities: npt.NDArray[np.floating[Any]], truth: Classes, sources: Sequence[str] = ()
) -> float:
    """Returns the factor by which a temperature has to change: the one with the smallest log loss.

    Args:
        probabilities: (photographs, classes), under the temperature that is to change.
        truth: int64 (photographs,), class indices.
        sources: Hospital, camera or collection of each photograph. The log loss of the worst source with at least
            `MIN_SUBGROUP` photographs then counts; empty for that of all photographs.

    Returns:
        0.05 to 20; above 1 where the network is overconfident.
    """
    logits = _logits(probabilities)
    names = np.asarray(sources, str)
    each = [names == name for name in sorted(set(sources) - {""})]
    parts = [of for of in each if of.sum() >= MIN_SUBGROUP] or [np.ones(len(truth), np.bool_)]

    def worst(inverse: float) -> float:
        log_p = log_softmax(logits * inverse, axis=1)[np.arange(len(truth)), truth]
        return max(float(-log_p[of].mean()) for of in parts)

    # The log loss is convex in the inverse of the factor, and so is the largest of several.
    found = minimize_scalar(worst, bounds=(1 / _FACTORS[1], 1 / _FACTORS[0]), method="bounded", options={"xatol": 1e-6})
    return float(1 / found.x)


def retempered(output: ModelOutput, factor: float) -> ModelOutput:
    """Returns the outputs that the network has under a temperature that is larger by a factor; the same bits for 1."""
    if factor == 1:
        return output
    probabilities = np.exp(log_softmax(_logits(output.probabilities) / factor, axis=1)).astype(np.float32)
    return output._replace(probabilities=probabilities)


def _logits(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    logits: npt.NDArray[np.float64] = np.log(np.maximum(probabilities, _SMALLEST, dtype=np.float64))
    return logits
