"""Probabilities that mean what they say: one temperature and one bias a class, fitted on validation photographs."""

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
from melanoma.evaluation.metrics.calibration import binned, brier, calibration_error, log_loss

Array = npt.NDArray[np.float64]

HEAD = "probabilities"
_SPREAD = 0.5  # of a bias about what the two priors say of it, natural logarithms: one standard deviation
_TEMPERATURES = (0.05, 20.0)
_SMALLEST = 1e-12  # of a probability or a share that becomes a logarithm


class Calibration(NamedTuple):
    """What turns a network's probabilities into calibrated ones: softmax(log p / temperature + bias).

    Attributes:
        temperature: Divides the logarithms, 0.05 to 20; above 1 for a network that is too sure of itself.
        bias: float64 (classes,), added afterwards; sum 0.
    """

    temperature: float
    bias: Array


def fit(
    log_probabilities: npt.NDArray[np.floating[Any]],
    truth: Classes,
    prior: Sequence[float],
    trained_prior: Sequence[float],
) -> Calibration:
    """Fits temperature and biases by maximum likelihood, the biases held near what the two priors say of them.

    Temperature scaling is Guo, Pleiss, Sun, Weinberger: "On Calibration of Modern Neural Networks", ICML 2017; with a
    bias for each class it is the bias-corrected form of Alexandari, Kundaje, Shrikumar: "Maximum Likelihood with
    Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020. A network that learned from
    balanced epochs needs a bias of log(prior / trained_prior) to mean the natural prior. Each bias is believed to lie
    within 0.5 of that (normal, one standard deviation): a class with a handful of photographs cannot run away.

    Args:
        log_probabilities: (photographs, classes), natural logarithms, up to a constant for each photograph.
        truth: int64 (photographs,), indices of classes.
        prior: Class shares that the calibrated probabilities are to mean, sum 1.
        trained_prior: Class shares of the epochs that the network learned from, sum 1.

    Returns:
        The calibration that makes the truth likeliest.
    """
    scores = np.maximum(np.asarray(log_probabilities, np.float64), np.log(_SMALLEST))
    expected = _centred(_log(prior) - _log(trained_prior))
    photographs = np.arange(len(truth))

    def loss(parameters: Array) -> tuple[float, Array]:
        cold, bias = np.exp(-parameters[0]), parameters[1:]
        log_p = log_softmax(scores * cold + bias, axis=1)
        error = np.exp(log_p)
        error[photographs, truth] -= 1
        away = (bias - expected) / _SPREAD
        gradient = np.append(-cold * (error * scores).sum(), error.sum(axis=0) + away / _SPREAD)
        return float(-log_p[photographs, truth].sum() + away @ away / 2), gradient

    bounds = [(np.log(_TEMPERATURES[0]), np.log(_TEMPERATURES[1])), *[(None, None)] * len(expected)]
    found = minimize(loss, np.append(0.0, expected), jac=True, bounds=bounds, method="L-BFGS-B").x
    return Calibration(float(np.exp(found[0])), _centred(found[1:]))


def apply(calibration: Calibration, log_probabilities: npt.NDArray[np.floating[Any]]) -> Array:
    """Gives calibrated probabilities, float64 (photographs, classes), rows sum to 1."""
    scores = np.maximum(np.asarray(log_probabilities, np.float64), np.log(_SMALLEST))
    calibrated: Array = np.exp(log_softmax(scores / calibration.temperature + calibration.bias, axis=1))
    return calibrated


def fold_bias(network: keras.Model, temperature: float, bias: Array) -> keras.Model:
    """Moves the biases of a calibration into a network; the temperature stays for the bundle.

    softmax(z / T + b) is softmax((z + T b) / T): so T b joins the bias of the last layer.

    Args:
        network: Ends in a Dense layer named `probabilities` with a softmax and a bias; is left as it is.
        temperature: Of the calibration, above 0.
        bias: Of the calibration, float64 (classes,).

    Returns:
        The same network with another bias. Its logits divided by the temperature are calibrated.
    """
    folded = keras.models.clone_model(network)
    folded.set_weights(network.get_weights())
    kernel, old = folded.get_layer(HEAD).get_weights()
    folded.get_layer(HEAD).set_weights([kernel, old + temperature * bias])
    return folded


def check(
    log_probabilities: npt.NDArray[np.floating[Any]],
    truth: Classes,
    groups: Sequence[str],
    prior: Sequence[float],
    trained_prior: Sequence[float],
) -> dict[str, Any]:
    """Measures what calibration is worth, on photographs that it was not fitted on: five folds of whole lesions.

    Args:
        log_probabilities: (photographs, classes), of the uncalibrated network.
        truth: int64 (photographs,).
        groups: Lesion or patient of each photograph; at least 5 of them.
        prior: As for `fit`.
        trained_prior: As for `fit`.

    Returns:
        JSON values: `n`, `groups`, and under `before` and `after` `calibration_error`, `log_loss` and `brier` of
        `judging.calibration`, each as value, low, high, n.
    """
    scores, names = np.asarray(log_probabilities, np.float64), np.asarray(groups, str)
    after = np.zeros_like(scores)
    for rest, fold in GroupKFold(MIN_GROUPS).split(scores, groups=names):
        after[fold] = apply(fit(scores[rest], truth[rest], prior, trained_prior), scores[fold])
    before = np.exp(log_softmax(scores, axis=1))
    return {
        "n": len(truth),
        "groups": len(set(groups)),
        "before": _judged(before, truth, names),
        "after": _judged(after, truth, names),
    }


def _judged(probabilities: Array, truth: Classes, groups: Names) -> dict[str, Any]:
    slugs, top = tuple(map(str, range(probabilities.shape[1]))), probabilities.argmax(axis=1)
    said = Predictions(slugs, truth, probabilities.astype(np.float32), top, groups)
    measures = {
        "calibration_error": calibration_error(binned(probabilities.max(axis=1), top == truth)),
        "log_loss": log_loss(said),
        "brier": brier(said),
    }
    return {name: bootstrap.spelt(sample) for name, sample in bootstrap.draw(measures, groups, seed=0).items()}


def _log(shares: Sequence[float] | npt.NDArray[np.floating[Any]]) -> Array:
    logarithms: Array = np.log(np.maximum(np.asarray(shares, np.float64), _SMALLEST))
    return logarithms


def _centred(values: Array) -> Array:
    centred: Array = values - values.mean()
    return centred
