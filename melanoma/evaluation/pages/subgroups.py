"""The chapter of an evaluation's page about subgroups."""

from melanoma.evaluation.formatting import with_interval
from melanoma.evaluation.inputs.predictions import MELANOMA, MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.metrics.subgroups import MIN_SUBGROUP
from melanoma.evaluation.pages import parts, svg
from melanoma.evaluation.report import Report
from melanoma.html_page import escaped, paragraph, section


def subgroups(report: Report) -> str:
    """Returns a table per column, each metric drawn as a dot within its interval; nothing without subgroups."""
    if not report["subgroups"]:
        return ""
    tables = [f"<h3>{escaped(name)}</h3>" + _table(report, groups) for name, groups in report["subgroups"].items()]
    return section(
        "Subgroups",
        paragraph(
            "The same metrics within subgroups; the ticks mark all photographs together. A subgroup needs "
            f"{MIN_SUBGROUP} photographs, and a melanoma AUC needs {MIN_TEST_PHOTOGRAPHS} melanomas and as many "
            f"others. Balanced accuracy covers the classes with at least {MIN_TEST_PHOTOGRAPHS} photographs in the "
            "subgroup, so compare it only where their number is the same. Among many subgroups some differ by chance."
        ),
        *tables,
    )


def _table(report: Report, groups: Report) -> str:
    melanoma_auc = report["by_label"].get(MELANOMA, {}).get("auc")
    rows = [
        [
            escaped(value),
            f"{metrics['n']:,}",
            f"{metrics['melanomas']:,}",
            f"{len(metrics['evaluated'])}" if metrics["balanced_accuracy"] else "",
            _bar(metrics["balanced_accuracy"], report["balanced_accuracy"]),
            _bar(metrics["melanoma_auc"], melanoma_auc),
        ]
        for value, metrics in groups.items()
    ]
    return parts.table(("", "n", "melanomas", "classes", "balanced accuracy", "melanoma AUC"), rows, "bars")


def _bar(estimate: Report | None, overall: Report | None) -> str:
    if estimate is None:
        return "<small>too few photographs</small>"
    return svg.interval(estimate, overall["value"] if overall else None) + with_interval(estimate)
