"""Calibrated probabilities: temperature scaling with a bias for each class, fitted on validation photographs.

Temperature scaling is Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017; with biases,
it is bias-corrected temperature scaling of Alexandari, Kundaje, Shrikumar: "Maximum Likelihood with Bias-Corrected
Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.model_selection import GroupKFold

from melanoma.datasets.splits import MIN_GROUPS
from melanoma.evaluation.inputs.predictions import Classes, Names, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.calibration import brier, calibration_error, equal_mass_bins, log_loss
from melanoma.training.networks.layers import HEAD

Array = npt.NDArray[np.float64]

_BIAS_SD = 0.5  # standard deviation of a bias around the value that the two priors imply, in natural logarithms
_TEMPERATURES = (0.05, 20.0)
_SMALLEST = 1e-12  # lower bound of probabilities and shares before their logarithm is taken


class Calibration(NamedTuple):
    """Maps a network's probabilities p to calibrated ones: softmax(log p / temperature + bias).

    Attributes:
        temperature: 0.05 to 20; above 1 for an overconfident network.
        bias: float64 (classes,), sum 0.
    """

    temperature: float
    bias: Array


def fit(
    log_probabilities: npt.NDArray[np.floating[Any]],
    truth: Classes,
    prior: Sequence[float],
    trained_prior: Sequence[float],
) -> Calibration:
    """Fits temperature and biases: maximum likelihood with a normal prior on each bias.

    After training on balanced epochs, a bias of log(prior / trained_prior) restores the natural class shares. That is
    the mean of the normal prior, and 0.5 its standard deviation, so that a class with only a few photographs cannot
    get an extreme bias.

    Args:
        log_probabilities: (photographs, classes), natural logarithms, up to a constant for each photograph.
        truth: int64 (photographs,), class indices.
        prior: Class shares that the calibrated probabilities refer to, sum 1.
        trained_prior: Class shares of the training epochs, sum 1.

    Returns:
        The calibration with the highest posterior density.
    """
    scores = np.maximum(np.asarray(log_probabilities, np.float64), np.log(_SMALLEST))
    expected = _centred(_log(prior) - _log(trained_prior))
    photographs = np.arange(len(truth))

    def loss(parameters: Array) -> tuple[float, Array]:
        inverse_temperature, bias = np.exp(-parameters[0]), parameters[1:]
        log_p = log_softmax(scores * inverse_temperature + bias, axis=1)
        error = np.exp(log_p)
        error[photographs, truth] -= 1
        deviation = (bias - expected) / _BIAS_SD
        gradient = np.append(-inverse_temperature * (error * scores).sum(), error.sum(axis=0) + deviation / _BIAS_SD)
        return float(-log_p[photographs, truth].sum() + deviation @ deviation / 2), gradient

    bounds = [(np.log(_TEMPERATURES[0]), np.log(_TEMPERATURES[1])), *[(None, None)] * len(expected)]
    fitted = minimize(loss, np.append(0.0, expected), jac=True, bounds=bounds, method="L-BFGS-B").x
    return Calibration(float(np.exp(fitted[0])), _centred(fitted[1:]))


def calibrate(calibration: Calibration, log_probabilities: npt.NDArray[np.floating[Any]]) -> Array:
    """Returns calibrated probabilities, float64 (photographs, classes), rows sum to 1."""
    scores = np.maximum(np.asarray(log_probabilities, np.float64), np.log(_SMALLEST))
    calibrated: Array = np.exp(log_softmax(scores / calibration.temperature + calibration.bias, axis=1))
    return calibrated


def fold_bias(network: keras.Model, temperature: float, bias: Array) -> keras.Model:
    """Returns a copy of a network that contains the biases of its calibration, but not its temperature.

    softmax(z / T + b) = softmax((z + T b) / T), so that T b is added to the bias of the last layer, and the bundle
    states T.

    Args:
        network: Ends in a dense softmax layer with bias, named `HEAD`; it is not changed.
        temperature: Temperature T of the calibration, above 0.
        bias: Biases b of the calibration, float64 (classes,).
    """
    folded = keras.models.clone_model(network)
    folded.set_weights(network.get_weights())
    kernel, old = folded.get_layer(HEAD).get_weights()
    folded.get_layer(HEAD).set_weights([kernel, old + temperature * bias])
    return folded


def cross_validate(
    log_probabilities: npt.NDArray[np.floating[Any]],
    truth: Classes,
    groups: Sequence[str],
    prior: Sequence[float],
    trained_prior: Sequence[float],
) -> dict[str, Any]:
    """Measures calibration by five-fold cross-validation over whole lesions.

    Args:
        log_probabilities: (photographs, classes), natural logarithms, from the uncalibrated network.
        truth: int64 (photographs,), class indices.
        groups: Lesion or patient of each photograph; at least 5 different ones.
        prior: As for `fit`.
        trained_prior: As for `fit`.

    Returns:
        JSON values: `n`, `groups`, and under `before` and `after` the `calibration_error`, `log_loss` and `brier` of
        `evaluation.metrics.calibration`, each as value, low, high, n.
    """
    scores, names = np.asarray(log_probabilities, np.float64), np.asarray(groups, str)
    after = np.zeros_like(scores)
    for rest, fold in GroupKFold(MIN_GROUPS).split(scores, groups=names):
        after[fold] = calibrate(fit(scores[rest], truth[rest], prior, trained_prior), scores[fold])
    before = np.exp(log_softmax(scores, axis=1))
    return {
        "n": len(truth),
        "groups": len(set(groups)),
        "before": _figures(before, truth, names),
        "after": _figures(after, truth, names),
    }


def _figures(probabilities: Array, truth: Classes, groups: Names) -> dict[str, Any]:
    slugs, top = tuple(map(str, range(probabilities.shape[1]))), probabilities.argmax(axis=1)
    predictions = Predictions(slugs, truth, probabilities.astype(np.float32), top, groups)
    metrics = {
        "calibration_error": calibration_error(equal_mass_bins(probabilities.max(axis=1), top == truth)),
        "log_loss": log_loss(predictions),
        "brier": brier(predictions),
    }
    return bootstrap.estimates(metrics, groups, seed=0)


def _log(shares: Sequence[float] | npt.NDArray[np.floating[Any]]) -> Array:
    logarithms: Array = np.log(np.maximum(np.asarray(shares, np.float64), _SMALLEST))
    return logarithms


def _centred(values: Array) -> Array:
    centred: Array = values - values.mean()
    return centred
