"""Metrics as Markdown, each with its confidence interval and n."""

from collections.abc import Iterator, Mapping
from typing import Any

from melanoma.evaluation.formatting import few_photographs
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.markdown import table
from melanoma.labels import name_of

Estimate = Mapping[str, Any]
NOT_EVALUATED = "not evaluated"
__all__ = ["NOT_EVALUATED", "cells", "evaluation_sections", "inline", "table"]


def evaluation_sections(report: Mapping[str, Any], gap: Mapping[str, Estimate | None]) -> Iterator[str]:
    """Yields the paragraphs and tables of an evaluation, next to the baseline of always choosing the largest class.

    Args:
        report: Metrics on the test part, as `evaluation.evaluate` returns them.
        gap: Balanced accuracy on the other parts, by part.
    """
    yield (
        f"On the test part, which was used neither for training nor for any choice: {report['n']} photographs of "
        f"{report['groups']} lesions. Balanced accuracy is the mean sensitivity of the evaluated classes, those with "
        f"at least {MIN_TEST_PHOTOGRAPHS} test photographs; intervals are from a bootstrap over whole lesions."
    )
    yield table(("test part", "value", "95 % interval", "n"), _overall_rows(report))
    yield table(
        ("class", "sensitivity", "95 % interval", "AUC", "95 % interval", "n"),
        [_label_row(label, metrics) for label, metrics in report["by_label"].items()],
    )
    yield "Balanced accuracy on the other parts over the same classes, without augmentation:"
    yield table(("part", "value", "95 % interval", "n"), [(part, *cells(estimate)) for part, estimate in gap.items()])
    for name, groups in (report["subgroups"] or {}).items():
        yield (
            f"By {name}, over the classes with at least {MIN_TEST_PHOTOGRAPHS} photographs in a group. Compare groups "
            "only if they have the same number of classes. Groups with fewer than two such classes are left out."
        )
        rows = [_group_row(group, metrics) for group, metrics in groups.items() if len(metrics["evaluated"]) > 1]
        head = (name, "classes", "balanced accuracy", "95 % interval", "melanoma AUC", "95 % interval", "n")
        yield table(head, rows) if rows else "No group has two such classes."


def _overall_rows(report: Mapping[str, Any]) -> list[tuple[object, ...]]:
    baseline = report["baseline"]
    always = f"always {name_of(baseline['label'])}"
    rows: list[tuple[object, ...]] = [
        ("balanced accuracy", *cells(report["balanced_accuracy"])),
        (f"balanced accuracy, {always}", *cells(baseline["balanced_accuracy"])),
        ("accuracy", *cells(report["accuracy"])),
        (f"accuracy, {always}", *cells(baseline["accuracy"])),
        ("mean AUC over classes", *cells(report["macro_auc"])),
        ("Brier score", *cells(report["brier"])),
    ]
    if calibration := report["calibration"]:
        perfect = calibration["perfect"]
        interval = f"{perfect['low']:.3f} to {perfect['high']:.3f}"
        rows.append(("calibration error of the most likely class", *cells(calibration["error"])))
        rows.append(("the same for a perfectly calibrated network", f"{perfect['mean']:.3f}", interval, report["n"]))
    return rows


def _label_row(label: str, metrics: Mapping[str, Any]) -> tuple[object, ...]:
    if not metrics["n"]:
        return name_of(label), NOT_EVALUATED, "", "", "", 0
    name = f"{name_of(label)}{few_photographs(metrics)}"
    return name, *cells(metrics["sensitivity"])[:2], *cells(metrics["auc"])[:2], metrics["n"]


def _group_row(group: str, metrics: Mapping[str, Any]) -> tuple[object, ...]:
    balanced, melanoma = metrics["balanced_accuracy"], metrics["melanoma_auc"]
    return group, len(metrics["evaluated"]), *cells(balanced)[:2], *cells(melanoma)[:2], metrics["n"]


def cells(estimate: Estimate | None) -> tuple[str, str, str]:
    """Returns the value, the interval and the n of an estimate as text; None is one that could not be measured."""
    if estimate is None:
        return NOT_EVALUATED, "", "0"
    return f"{estimate['value']:.3f}", f"{estimate['low']:.3f} to {estimate['high']:.3f}", f"{estimate['n']:.0f}"


def inline(estimate: Estimate | None) -> str:
    """Returns an estimate as text for use within a sentence."""
    value, interval, n = cells(estimate)
    return f"{value} ({interval}, n = {n})" if estimate else value
