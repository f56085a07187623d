"""Chapters of an evaluation's page about each class: its metrics, the confusion matrix, the ISIC challenge metrics."""

from melanoma.evaluation.formatting import number
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.pages import parts
from melanoma.evaluation.pages.parts import estimate_cell, few_photographs_note
from melanoma.evaluation.report import Report
from melanoma.html_page import escaped, paragraph, section
from melanoma.labels import name_of

_COLUMNS = {
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "dice": "Dice",
    "average_precision": "AP",
    "auc_above_80_sensitivity": "AUC above 80 %",
}


def class_metrics(report: Report) -> str:
    """Returns the metrics of every class as a table."""
    rows = [
        [
            escaped(name_of(slug)) + few_photographs_note(metrics),
            f"{metrics['n']:,}",
            *(estimate_cell(metrics[key]) for key in _COLUMNS),
        ]
        for slug, metrics in report["by_label"].items()
    ]
    return section(
        "Metrics by class",
        paragraph(
            "Sensitivity, specificity, predictive values (PPV, NPV) and Dice measure the class that the decision rule "
            "chose (top_label). AUC, average precision (AP) and the area under the part of the ROC curve with a "
            "sensitivity of at least 0.8 measure the probability of the class. Predictive values hold only for the "
            f"class shares of these photographs. The figures of a class with fewer than {MIN_TEST_PHOTOGRAPHS} "
            "photographs are not reliable, and no mean includes them."
        ),
        parts.table(("class", "n", *_COLUMNS.values()), rows, "wide"),
    )


def confusion_matrix(report: Report) -> str:
    """Returns the confusion matrix as a heat map."""
    names = [name_of(slug) for slug in report["confusion"]["labels"]]
    return section(
        "Confusion matrix",
        paragraph(
            "Rows: the labelled class. Columns: the class that the decision rule chose. Each cell shows the number of "
            "photographs and their share of the row; the diagonal shows the sensitivities."
        ),
        parts.heat("labelled \\ chosen", names, report["confusion"]["counts"]),
    )


def challenge_metrics(report: Report) -> str:
    """Returns the metrics of the ISIC challenges, folded."""
    challenge = report["challenge"]
    keys = list(challenge["mean"] or {})
    rows = [
        [escaped(name_of(slug)), *(number(metrics[key]) for key in keys)]
        for slug, metrics in challenge["by_label"].items()
        if metrics
    ]
    if rows:
        rows.append(["mean", *(number(challenge["mean"][key]) for key in keys)])
    text = (
        "Balanced accuracy of the most likely class over the classes that occur: "
        f"{number(challenge['balanced_accuracy'])}. In the table, a class is predicted where its probability is above "
        "0.5, whatever the decision rule; a class without labels has no metrics."
    )
    inner = paragraph(text) + parts.table(("class", *(_COLUMNS.get(key, key) for key in keys)), rows)
    return f"<details><summary>Metrics of the ISIC challenges</summary>{inner}</details>"
