"""Metrics and counts as text, the same on a terminal and on a page."""

from collections.abc import Mapping
from typing import NamedTuple

from melanoma.evaluation.report import Report
from melanoma.labels import name_of
from melanoma.table.model_names import shown

UNDEFINED = "–"


class MetricText(NamedTuple):
    """How a metric is presented to people.

    Attributes:
        name: Its name.
        better: Whether higher or lower values are better, as text.
    """

    name: str
    better: str


METRICS = {
    "balanced_accuracy": MetricText("balanced accuracy", "higher is better"),
    "accuracy": MetricText("accuracy", "higher is better"),
    "melanoma_auc": MetricText("melanoma AUC", "higher is better"),
    "melanoma_sensitivity": MetricText("melanoma sensitivity", "higher is better"),
    "melanoma_specificity": MetricText("melanoma specificity", "higher is better"),
    "flag_sensitivity": MetricText("sensitivity of the melanoma flag", "higher is better"),
    "flag_specificity": MetricText("specificity of the melanoma flag", "higher is better"),
    "calibration_error": MetricText("calibration error", "lower is better"),
    "brier": MetricText("Brier score", "lower is better"),
}


def number(metric: Report | float | None) -> str:
    """Returns a metric with three decimals; a dash if it is undefined."""
    if metric is None:
        return UNDEFINED
    return f"{metric['value'] if isinstance(metric, Mapping) else metric:.3f}"


def interval(estimate: Report | None) -> str:
    """Returns the interval of a metric and the number of photographs that it is based on."""
    if estimate is None:
        return "not enough photographs"
    photographs = f"n = {estimate['n']:,.0f}".replace(" ", "\N{NO-BREAK SPACE}")
    return f"95 %: {estimate['low']:.3f} to {estimate['high']:.3f}, {photographs}"


def with_interval(estimate: Report | None) -> str:
    """Returns a metric with its interval in brackets."""
    if estimate is None:
        return UNDEFINED
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def signed(difference: Report | None) -> str:
    """Returns a difference with its sign and its interval in brackets."""
    if difference is None:
        return UNDEFINED
    return f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"


def few_photographs(metrics: Report) -> str:
    """Returns a warning beside the metrics of a class with too few photographs to rely on; empty for all others.

    Args:
        metrics: With `n` and `evaluated`; a comparison of an earlier version has only classes that are evaluated.
    """
    if metrics.get("evaluated", True) or not metrics["n"]:
        return ""
    return f"  (only {metrics['n']:,}: not reliable, not in the means)"


def class_counts(counts: Mapping[str, int]) -> str:
    """Returns the names and the numbers of photographs of some classes, as in `nevus (1,099), scar (2)`."""
    return ", ".join(f"{name_of(slug).lower()} ({count:,})" for slug, count in counts.items())


def model_in(data: Report) -> str:
    """Returns the model that a part of a report is about, by name and id.

    Args:
        data: JSON values with `model_id`, and `model_name` if it is known.
    """
    return shown(data["model_id"], data.get("model_name", ""))
