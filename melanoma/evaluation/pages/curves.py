"""Chapters of an evaluation's page with charts: calibration, and ROC and precision-recall curves."""

from melanoma.evaluation.formatting import with_interval
from melanoma.evaluation.pages import parts, svg
from melanoma.evaluation.pages.parts import grid
from melanoma.evaluation.pages.svg import Point
from melanoma.evaluation.report import Report
from melanoma.html_page import paragraph, section
from melanoma.labels import name_of


def calibration(report: Report) -> str:
    """Returns the reliability diagrams; nothing for a report without photographs."""
    found = report["calibration"]
    if not found:
        return ""
    diagrams = [
        _reliability("Most likely class", found, "correct"),
        _reliability("Melanoma", found["melanoma"], "melanoma"),
    ]
    return section(
        "Calibration",
        paragraph(
            "Each dot is a bin of equally many photographs: the mean predicted probability, and how often the "
            "prediction came true. Dots below the dashed line are overconfident, dots above it underconfident. The "
            "pale bars hold 95 % of what perfect probabilities would show by chance. Below the chart: the number of "
            "photographs in each bin."
        ),
        grid(diagrams, 320),
        paragraph(
            "The probabilities are for the class shares that the bundle states. On photographs with other shares they "
            "are off, even if the model is sound.",
            "note",
        ),
    )


def _reliability(name: str, found: Report | None, event: str) -> str:
    if not found:
        return ""
    text = f"calibration error {with_interval(found['error'])}; perfect probabilities: {found['perfect']['mean']:.3f}"
    return parts.figure(svg.reliability(found["bins"], event), name, text)


def curves(report: Report) -> str:
    """Returns the ROC and precision-recall curves of every class that has both positives and others."""
    shown = [slug for slug in report["by_label"] if report["curves"][slug]["roc"]]
    return section(
        "ROC and precision-recall curves",
        paragraph(
            "Each curve shows every threshold on the probability of the class. The orange dot is the decision rule. "
            "Dashed: guessing."
        ),
        grid([_curves_of(report, slug) for slug in shown], 440),
    )


def _curves_of(report: Report, slug: str) -> str:
    metrics, points = report["by_label"][slug], report["curves"][slug]
    sensitivity, ppv = metrics["sensitivity"]["value"], metrics["ppv"]
    roc = svg.roc(points["roc"], Point(1 - metrics["specificity"]["value"], sensitivity))
    chosen = None if ppv is None else Point(sensitivity, ppv["value"])
    precision_recall = svg.precision_recall(points["precision_recall"], chosen, metrics["n"] / report["n"])
    text = (
        f"n = {metrics['n']:,}, AUC {with_interval(metrics['auc'])}, AP {with_interval(metrics['average_precision'])}"
    )
    return parts.figure(grid([roc, precision_recall], 180), name_of(slug), text)
