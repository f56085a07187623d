"""The thresholds of a bundle, chosen on validation photographs, and what they are worth there."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from melanoma.evaluation.inputs.predictions import Classes, Mask, Names, Predictions
from melanoma.evaluation.metrics import accuracy, bootstrap
from melanoma.evaluation.metrics.bootstrap import Floats, share
from melanoma.model.decision import ModelOutput, choose
from melanoma.model.description import FLAGGED, OOD_ABOVE, REVIEW_BELOW
from melanoma.training.calibration.ood_score import OOD_THRESHOLD
from melanoma.training.png import png_of

SENSITIVITY = 0.95
MOST_SENT = 0.2
_SHARES = np.arange(0, 0.91, 0.05)  # of photographs sent to a person, along the curve


def choose_thresholds(
    slugs: Sequence[str],
    scores: ModelOutput,
    truth: Classes,
    groups: Sequence[str],
    prior: Sequence[float],
    rule: str,
    *,
    sensitivity: float = SENSITIVITY,
    most_sent: float = MOST_SENT,
    seed: int = 0,
) -> tuple[dict[str, float], dict[str, Any]]:
    """Chooses all thresholds that validation photographs can support.

    Args:
        slugs: Of the labels.
        scores: What the engine says of the validation photographs, calibrated as the bundle will be.
        truth: int64 (photographs,), indices into `slugs`.
        groups: Lesion or patient of each photograph.
        prior: Class shares that the probabilities refer to.
        rule: `balanced` or `argmax`.
        sensitivity: Share of the melanomas that the flag is to find, 0 to 1.
        most_sent: Share of the photographs that may go to a person for lack of confidence, 0 to below 1.
        seed: Of the resampling.

    Returns:
        The bundle's thresholds, and JSON values for its metrics, by the name of the threshold: `threshold`, and

        - `melanoma`: `aim`, `sensitivity` and `specificity`;
        - `review_below`: `most_sent`, the share that is `sent`, the whole `curve`, and accuracy and balanced accuracy
          of `all` photographs and of those `kept`;
        - `ood_above`: the share of photographs that is `sent`.

        Figures are value, low, high, n. Their 95 % intervals come from whole lesions drawn with replacement, the
        thresholds held; what they were chosen for they meet by construction, so that other photographs give less.
    """
    top, confidence = choose(scores.probabilities, prior, rule)
    said = Predictions(tuple(slugs), truth, scores.probabilities, top, np.asarray(groups, str))
    thresholds, figures = {}, {}
    if said.melanoma is not None and (truth == said.melanoma).any():
        found = melanoma_threshold(scores.probabilities[:, said.melanoma], truth == said.melanoma, sensitivity)
        thresholds[FLAGGED], figures[FLAGGED] = found, {"aim": sensitivity, **_flag(said, found, seed)}
    thresholds[REVIEW_BELOW] = review_threshold(confidence, most_sent)
    figures[REVIEW_BELOW] = {
        "most_sent": most_sent,
        **_review(said, confidence < thresholds[REVIEW_BELOW], seed),
        "curve": review_curve(said, confidence),
    }
    if scores.ood is not None:
        thresholds[OOD_ABOVE] = OOD_THRESHOLD
        figures[OOD_ABOVE] = {"sent": _share(scores.ood > OOD_THRESHOLD, said.groups, seed)}
    return thresholds, {name: {"threshold": thresholds[name], **figures[name]} for name in thresholds}


def melanoma_threshold(probability: npt.NDArray[np.floating[Any]], positive: Mask, sensitivity: float) -> float:
    """Finds the largest threshold at which enough melanomas lie at or above it.

    Args:
        probability: (n,), of melanoma.
        positive: bool (n,), the melanomas; at least one.
        sensitivity: Share of them that must be found, 0 to 1.
    """
    found = np.sort(probability[positive])
    missed = len(found) - math.ceil(sensitivity * len(found) - 1e-9)
    return float(found[min(missed, len(found) - 1)])


def review_threshold(confidence: Floats, most_sent: float) -> float:
    """Finds the largest threshold below which at most a share of the photographs lies."""
    return float(np.sort(confidence)[int(most_sent * len(confidence) + 1e-9)])


def review_curve(said: Predictions, confidence: Floats) -> list[dict[str, float | int]]:
    """Says what is gained by sending the least confident photographs to a person, more and more of them.

    Args:
        said: Of the photographs.
        confidence: float64 (n,), as `decision.choose` gives it.

    Returns:
        JSON values, a point for each twentieth from none to nine tenths: the share `sent`, the confidence `below` which
        that is, `accuracy` and `balanced_accuracy` of the rest, and over how many `classes` the latter is taken: those
        with at least 10 photographs that still have one.
    """
    below = [review_threshold(confidence, part) for part in _SHARES]
    kept = (confidence >= np.array(below)[:, None]).astype(np.float64)
    evaluated = said.evaluated()
    right = accuracy.accuracy(said.truth, said.top).compute(kept)
    balanced = accuracy.balanced_accuracy(said.truth, said.top, evaluated).compute(kept)
    present = [len(set(evaluated) & set(said.truth[row > 0].tolist())) for row in kept]
    return [
        {
            "sent": float((row == 0).sum() / said.n),
            "below": below[point],
            "accuracy": float(right[point]),
            "balanced_accuracy": float(balanced[point]),
            "classes": present[point],
        }
        for point, row in enumerate(kept)
        if present[point]
    ]


def draw_review(figures: Mapping[str, Any]) -> bytes:
    """Draws the curve of `choose_thresholds` under `review_below`, with the threshold that was chosen.

    Returns:
        A PNG file.
    """
    curve, chosen = figures["curve"], figures["sent"]["value"]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    sent = [point["sent"] for point in curve]
    for name in ("accuracy", "balanced_accuracy"):
        axes.plot(sent, [point[name] for point in curve], marker=".", label=name.replace("_", " "))
    axes.axvline(chosen, color="0.4", linestyle="--", label=f"below {figures['threshold']:.2f}: {chosen:.0%} sent")
    axes.set(
        xlabel=f"share of {figures['sent']['n']} validation photographs sent to a person, the least confident first",
        ylabel="right among the rest",
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))  # whole per cents: others would be shown rounded
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3)  # inside it would cover the curves of some
    return png_of(figure)


def _flag(said: Predictions, threshold: float, seed: int) -> dict[str, Any]:
    positive = said.truth == said.melanoma
    flagged = said.probabilities[:, said.melanoma] >= threshold
    measures = {"sensitivity": share(flagged, positive), "specificity": share(~flagged, ~positive)}
    samples = bootstrap.draw(measures, said.groups, seed)
    return {name: bootstrap.spelt(sample) for name, sample in samples.items()}


def _review(said: Predictions, sent: Mask, seed: int) -> dict[str, Any]:
    evaluated = said.evaluated()
    figures: dict[str, Any] = {"sent": _share(sent, said.groups, seed)}
    for name, part in (("all", said), ("kept", said.where(~sent))):
        measures = {
            "accuracy": accuracy.accuracy(part.truth, part.top),
            "balanced_accuracy": accuracy.balanced_accuracy(part.truth, part.top, evaluated),
        }
        samples = bootstrap.draw(measures, part.groups, seed)
        figures[name] = {measure: bootstrap.spelt(sample) for measure, sample in samples.items()}
    return figures


def _share(chosen: Mask, groups: Names, seed: int) -> dict[str, Any] | None:
    return bootstrap.spelt(bootstrap.draw({"": share(chosen, np.ones(len(chosen), np.bool_))}, groups, seed)[""])
