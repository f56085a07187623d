"""Accuracy against the share of photographs referred to a person: the risk-coverage curve of selective classification.

El-Yaniv, Wiener: "On the Foundations of Noise-free Selective Classification", J. Mach. Learn. Res. 11, 2010.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import accuracy
from melanoma.evaluation.metrics.metric import Floats
from melanoma.training.png import to_png

_REFERRAL_RATES = np.arange(0, 0.91, 0.05)  # the points of the curve


def review_threshold(confidence: Floats, max_referral_rate: float) -> float:
    """Returns the largest threshold with at most that share of the photographs below it.

    Args:
        confidence: float64 (n,), as `decision.choose` returns it; n at least 1.
        max_referral_rate: 0 to below 1.
    """
    return float(np.sort(confidence)[int(max_referral_rate * len(confidence) + 1e-9)])


def review_curve(predictions: Predictions, confidence: Floats) -> list[dict[str, float | int]]:
    """Measures the photographs that are kept while more and more of the least confident ones are referred.

    Args:
        predictions: At least one photograph.
        confidence: float64 (n,), as `decision.choose` returns it.

    Returns:
        JSON values, one point for each referral rate from 0 to 0.9 in steps of 0.05: the share `sent` to a person, the
        confidence `below` which that is, `accuracy` and `balanced_accuracy` of the rest, and the number of `classes`
        in that balanced accuracy: those with at least 10 photographs, of which at least one is kept. A point without
        any such class is left out.
    """
    below = [review_threshold(confidence, rate) for rate in _REFERRAL_RATES]
    kept = (confidence >= np.array(below)[:, None]).astype(np.float64)
    evaluated = predictions.evaluated()
    right = accuracy.accuracy(predictions.truth, predictions.top).compute(kept)
    balanced = accuracy.balanced_accuracy(predictions.truth, predictions.top, evaluated).compute(kept)
    present = [len(set(evaluated) & set(predictions.truth[row > 0].tolist())) for row in kept]
    return [
        {
            "sent": float((row == 0).sum() / predictions.n),
            "below": below[point],
            "accuracy": float(right[point]),
            "balanced_accuracy": float(balanced[point]),
            "classes": present[point],
        }
        for point, row in enumerate(kept)
        if present[point]
    ]


def plot_review_curve(figures: Mapping[str, Any]) -> bytes:
    """Plots the review curve and marks the chosen threshold.

    Args:
        figures: Those of `choose_thresholds` for `review_below`.

    Returns:
        A PNG file.
    """
    curve, chosen = figures["curve"], figures["sent"]["value"]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    sent = [point["sent"] for point in curve]
    for name in ("accuracy", "balanced_accuracy"):
        axes.plot(sent, [point[name] for point in curve], marker=".", label=name.replace("_", " "))
    axes.axvline(chosen, color="0.4", linestyle="--", label=f"below {figures['threshold']:.2f}: {chosen:.0%} referred")
    axes.set(
        xlabel=f"share of {figures['sent']['n']} validation photographs referred to a person, least confident first",
        ylabel="among the photographs kept",
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))  # other steps would be rounded to whole per cents
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3)  # inside, it would hide some curves
    return to_png(figure)
