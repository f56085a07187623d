"""Chooses a bundle's thresholds on the validation photographs and measures what they achieve there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS, Classes, Mask, Names, Predictions
from melanoma.evaluation.metrics import accuracy, bootstrap
from melanoma.evaluation.metrics.calibration import calibration_error, equal_mass_bins
from melanoma.evaluation.metrics.metric import Floats, share
from melanoma.evaluation.metrics.subgroups import MIN_SUBGROUP
from melanoma.model.decision import ModelOutput, choose
from melanoma.model.description import FLAGGED, OOD_ABOVE, REVIEW_BELOW
from melanoma.training.calibration.ood_score import OOD_THRESHOLD
from melanoma.training.calibration.review_curve import review_curve, review_threshold

SENSITIVITY = 0.95
MAX_REFERRAL_RATE = 0.2


@dataclass(frozen=True)
class ThresholdConfig:
    """What the thresholds must achieve.

    Attributes:
        prior: Class shares that the probabilities refer to, sum 1.
        rule: `balanced` or `argmax`, see `decision.choose`.
        sensitivity: Share of the melanomas that `flag_melanoma` must find, 0 to 1.
        max_referral_rate: Share of the photographs that may be referred for low confidence, 0 to below 1.
        seed: Bootstrap seed.
    """

    prior: Sequence[float]
    rule: str
    sensitivity: float = SENSITIVITY
    max_referral_rate: float = MAX_REFERRAL_RATE
    seed: int = 0


class ChosenThresholds(NamedTuple):
    """The thresholds and what they achieve on the photographs they were chosen on.

    Attributes:
        thresholds: By name, as a bundle holds them.
        figures: JSON values by name of threshold: `threshold`, and

            - `melanoma`: `aim`, `sensitivity` and `specificity`;
            - `review_below`: `most_sent` (the permitted referral rate), `sent` (the referral rate), `curve`, and
              accuracy and balanced accuracy of `all` photographs and of those `kept`;
            - `ood_above`: `sent`, the share of the photographs above it.

            Each figure is value, low, high, n, with a 95 % interval from a bootstrap of whole lesions that holds the
            thresholds fixed. The aims are met by construction; expect less on other photographs.
    """

    thresholds: dict[str, float]
    figures: dict[str, Any]


def choose_thresholds(
    slugs: Sequence[str],
    scores: ModelOutput,
    truth: Classes,
    groups: Sequence[str],
    config: ThresholdConfig,
    sources: Sequence[str] = (),
) -> ChosenThresholds:
    """Chooses every threshold that the validation photographs support.

    `melanoma` needs at least one melanoma, and `ood_above` a network with an `ood_score`.

    Args:
        slugs: Label slugs in the order of the network's outputs.
        scores: Model output for the validation photographs, calibrated as in the bundle.
        truth: int64 (n,), indices into `slugs`.
        groups: Lesion or patient of each photograph.
        config: What the thresholds must achieve.
        sources: Hospital, camera or collection of each photograph; empty if that is not known. The aims then hold at
            each source with enough photographs, so the worst one decides, and `figures` has `sources`.
    """
    top, confidence = choose(scores.probabilities, config.prior, config.rule)
    predictions = Predictions(tuple(slugs), truth, scores.probabilities, top, np.asarray(groups, str))
    by_source = {name: np.asarray(sources) == name for name in sorted(set(sources) - {""})}
    thresholds, figures = {}, {}
    if predictions.melanoma is not None and (truth == predictions.melanoma).any():
        probability, positive = scores.probabilities[:, predictions.melanoma], truth == predictions.melanoma
        each = [positive, *(positive & of for of in by_source.values())]
        enough = [of for of in each if of is positive or of.sum() >= MIN_TEST_PHOTOGRAPHS]
        thresholds[FLAGGED] = min(melanoma_threshold(probability, of, config.sensitivity) for of in enough)
        figures[FLAGGED] = _flag_figures(predictions, thresholds[FLAGGED], config)
    parts = [confidence, *(confidence[of] for of in by_source.values() if of.sum() >= MIN_SUBGROUP)]
    thresholds[REVIEW_BELOW] = min(review_threshold(part, config.max_referral_rate) for part in parts)
    figures[REVIEW_BELOW] = _review_figures(predictions, confidence, thresholds[REVIEW_BELOW], config)
    if scores.ood is not None:
        thresholds[OOD_ABOVE] = OOD_THRESHOLD
        figures[OOD_ABOVE] = {"sent": _rate(scores.ood > OOD_THRESHOLD, predictions.groups, config.seed)}
    stated = {name: {"threshold": thresholds[name], **figures[name]} for name in thresholds}
    if by_source:
        stated["sources"] = {
            name: _source_figures(predictions, of, confidence, thresholds, config) for name, of in by_source.items()
        }
    return ChosenThresholds(thresholds, stated)


def _source_figures(
    predictions: Predictions, of: Mask, confidence: Floats, thresholds: Mapping[str, float], config: ThresholdConfig
) -> dict[str, Any]:
    """Returns what the thresholds achieve at one source: n, calibration_error, sent, sensitivity and specificity."""
    part = predictions.where(of)
    likeliest = equal_mass_bins(part.probabilities.max(axis=1), part.probabilities.argmax(axis=1) == part.truth)
    error = bootstrap.estimates({"": calibration_error(likeliest)}, part.groups, config.seed)[""]
    flag = _flag_figures(part, thresholds[FLAGGED], config) if FLAGGED in thresholds else {}
    sent = _rate(confidence[of] < thresholds[REVIEW_BELOW], part.groups, config.seed)
    return {"n": part.n, "calibration_error": error, "sent": sent, **flag}


def melanoma_threshold(probability: npt.NDArray[np.floating[Any]], positive: Mask, sensitivity: float) -> float:
    """Returns the largest threshold with at least that share of the melanomas at or above it.

    Args:
        probability: (n,), of melanoma.
        positive: bool (n,), the melanomas; at least one.
        sensitivity: 0 to 1. At 0 the threshold is the most probable melanoma, which still counts as found.
    """
    melanomas = np.sort(probability[positive])
    missed = len(melanomas) - math.ceil(sensitivity * len(melanomas) - 1e-9)
    return float(melanomas[min(missed, len(melanomas) - 1)])


def _flag_figures(predictions: Predictions, threshold: float, config: ThresholdConfig) -> dict[str, Any]:
    positive = predictions.truth == predictions.melanoma
    flagged = predictions.probabilities[:, predictions.melanoma] >= threshold
    metrics = {"sensitivity": share(flagged, positive), "specificity": share(~flagged, ~positive)}
    return {"aim": config.sensitivity, **bootstrap.estimates(metrics, predictions.groups, config.seed)}


def _review_figures(
    predictions: Predictions, confidence: Floats, threshold: float, config: ThresholdConfig
) -> dict[str, Any]:
    evaluated, sent = predictions.evaluated(), confidence < threshold
    figures: dict[str, Any] = {
        "most_sent": config.max_referral_rate,
        "sent": _rate(sent, predictions.groups, config.seed),
    }
    for name, part in (("all", predictions), ("kept", predictions.where(~sent))):
        metrics = {
            "accuracy": accuracy.accuracy(part.truth, part.top),
            "balanced_accuracy": accuracy.balanced_accuracy(part.truth, part.top, evaluated),
        }
        figures[name] = bootstrap.estimates(metrics, part.groups, config.seed)
    return {**figures, "curve": review_curve(predictions, confidence)}


def _rate(chosen: Mask, groups: Names, seed: int) -> Any:
    return bootstrap.estimates({"rate": share(chosen, np.ones(len(chosen), np.bool_))}, groups, seed)["rate"]
