"""The chapters of an evaluation's page, each built from the report's JSON values alone."""

from collections.abc import Mapping
from typing import Any

from melanoma.evaluation.formatting import number, with_interval
from melanoma.evaluation.inputs.predictions import MELANOMA, MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.metrics.subgroups import MIN_SUBGROUP
from melanoma.evaluation.pages import parts, svg
from melanoma.evaluation.pages.parts import escaped, grid, paragraph, section
from melanoma.labels import name_of

Report = Mapping[str, Any]
_FIGURES = {
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "dice": "Dice",
    "average_precision": "AP",
    "auc_above_80_sensitivity": "AUC above 80 %",
}


def classes(report: Report) -> str:
    """Gives the figures of every class as a table."""
    rows = [
        [
            escaped(name_of(slug)) + ("" if figures["evaluated"] else " <small>not evaluated</small>"),
            f"{figures['n']:,}",
            *(_cell(figures[key]) for key in _FIGURES),
        ]
        for slug, figures in report["by_label"].items()
    ]
    head = ("class", "n", *_FIGURES.values())
    return section(
        "Each class",
        paragraph(
            "Sensitivity, specificity, predictive values and Dice are those of the class that the decision rule chose "
            "(top_label); AUC, average precision (AP) and the area under the part of the ROC curve whose sensitivity "
            "is at least 0.8 are those of the class's probability. Predictive values hold for the class shares of "
            f"these photographs only. A class with fewer than {MIN_TEST_PHOTOGRAPHS} photographs is not evaluated."
        ),
        parts.table(head, rows, "wide"),
    )


def _cell(estimate: Report | None) -> str:
    if estimate is None:
        return number(None)
    return f"{number(estimate)}<br><small>{estimate['low']:.3f} to {estimate['high']:.3f}</small>"


def confusion(report: Report) -> str:
    """Gives the confusion matrix as a heat map."""
    names = [name_of(slug) for slug in report["confusion"]["labels"]]
    return section(
        "What was taken for what",
        paragraph(
            "Rows: the labelled class. Columns: the class that the decision rule chose. Each cell has the number of "
            "photographs and their share of the row; the diagonal holds the sensitivities."
        ),
        parts.heat("labelled \\ chosen", names, report["confusion"]["counts"]),
    )


def calibration(report: Report) -> str:
    """Gives the reliability diagrams."""
    found = report["calibration"]
    if not found:
        return ""
    return section(
        "Do the probabilities come true?",
        paragraph(
            "Each dot is a bin of as many photographs: how likely it was said to be, and how often it was so. Dots "
            "below the dashed line were too sure, dots above not sure enough. The pale bars hold 95 % of what perfect "
            "probabilities would show by chance. Below: photographs in each bin."
        ),
        grid(
            [
                _reliability("The likeliest class", found, "right"),
                _reliability("Melanoma", found["melanoma"], "melanoma"),
            ],
            320,
        ),
        paragraph(
            "The probabilities refer to the class shares that the bundle states. On photographs with other shares they "
            "are off even if the model is sound.",
            "note",
        ),
    )


def _reliability(name: str, found: Report | None, happens: str) -> str:
    if not found:
        return ""
    text = f"calibration error {with_interval(found['error'])}; perfect: {found['perfect']['mean']:.3f}"
    return parts.figure(svg.reliability(found["bins"], happens), name, text)


def curves(report: Report) -> str:
    """Gives the ROC and precision-recall curves of every class."""
    shown = [slug for slug, figures in report["by_label"].items() if report["curves"][slug]["roc"]]
    return section(
        "Every threshold",
        paragraph(
            "How each class does at every threshold on its probability. The orange dot is what the decision rule does. "
            "Dashed: guessing."
        ),
        grid([_curves_of(report, slug) for slug in shown], 440),
    )


def _curves_of(report: Report, slug: str) -> str:
    figures, curves = report["by_label"][slug], report["curves"][slug]
    sensitivity, alarms = figures["sensitivity"]["value"], 1 - figures["specificity"]["value"]
    ppv = figures["ppv"]
    roc = svg.roc(curves["roc"], (alarms, sensitivity))
    chosen = None if ppv is None else (sensitivity, ppv["value"])
    pr = svg.precision_recall(curves["precision_recall"], chosen, figures["n"] / report["n"])
    text = (
        f"n = {figures['n']:,}, AUC {with_interval(figures['auc'])}, AP {with_interval(figures['average_precision'])}"
    )
    return parts.figure(grid([roc, pr], 180), name_of(slug), text)


def subgroups(report: Report) -> str:
    """Gives the subgroups, each figure as a dot within its interval."""
    if not report["subgroups"]:
        return ""
    forests = [f"<h3>{escaped(name)}</h3>" + _forest(report, groups) for name, groups in report["subgroups"].items()]
    return section(
        "Subgroups",
        paragraph(
            f"The same figures within subgroups; the ticks are those of all photographs. A subgroup with fewer than "
            f"{MIN_SUBGROUP} photographs gets no figure, and a melanoma AUC needs {MIN_TEST_PHOTOGRAPHS} melanomas and "
            f"as many others. Balanced accuracy covers the classes with {MIN_TEST_PHOTOGRAPHS} photographs in the "
            "subgroup, so compare only where their number is the same. Among many subgroups some differ by chance."
        ),
        *forests,
    )


def _forest(report: Report, groups: Report) -> str:
    melanoma = report["by_label"].get(MELANOMA, {}).get("auc")
    rows = [
        [
            escaped(value),
            f"{figures['n']:,}",
            f"{figures['melanomas']:,}",
            f"{len(figures['evaluated'])}" if figures["balanced_accuracy"] else "",
            _bar(figures["balanced_accuracy"], report["balanced_accuracy"]),
            _bar(figures["melanoma_auc"], melanoma),
        ]
        for value, figures in groups.items()
    ]
    return parts.table(("", "n", "melanomas", "classes", "balanced accuracy", "melanoma AUC"), rows, "bars")


def _bar(estimate: Report | None, overall: Report | None) -> str:
    if estimate is None:
        return "<small>too few</small>"
    return svg.interval(estimate, overall["value"] if overall else None) + with_interval(estimate)


def challenge(report: Report) -> str:
    """Gives the figures of the ISIC challenges, folded."""
    found = report["challenge"]
    keys = list(found["mean"] or {})
    rows = [
        [escaped(name_of(slug)), *(number(figures[key]) for key in keys)]
        for slug, figures in found["by_label"].items()
        if figures
    ]
    if rows:
        rows.append(["mean", *(number(found["mean"][key]) for key in keys)])
    text = (
        f"Balanced accuracy of the likeliest class over the classes that occur: {number(found['balanced_accuracy'])}. "
        "Below, a class is called where its probability is above 0.5, whatever the decision rule; classes that no "
        "label bears have no figure."
    )
    head = ("class", *(_FIGURES.get(key, key) for key in keys))
    inner = paragraph(text) + parts.table(head, rows)
    return f"<details><summary>The same by the rules of the ISIC challenges</summary>{inner}</details>"


def method(report: Report) -> str:
    """Says what intervals and labels are."""
    return section(
        "How to read this",
        parts.bullets(
            [
                f"Intervals hold the middle 95 % of {report['resamples']:,} resamples that draw whole lesions or "
                f"patients with replacement (seed {report['seed']}). They tell what other photographs of the same kind "
                "might have shown, and nothing about photographs of another kind.",
                "The labels are taken as the truth. Some are wrong in every collection.",
            ]
        ),
    )
