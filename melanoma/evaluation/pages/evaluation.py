"""The page of an evaluation, built from the report's JSON values alone."""

from collections.abc import Sequence

from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.evaluation.accounting import evaluation_accounting
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.pages import parts
from melanoma.evaluation.pages.classes import challenge_metrics, class_metrics, confusion_matrix
from melanoma.evaluation.pages.curves import calibration, curves
from melanoma.evaluation.pages.external import external
from melanoma.evaluation.pages.headlines import cards
from melanoma.evaluation.pages.subgroups import subgroups
from melanoma.evaluation.report import Report
from melanoma.evaluation.totals import left_out_warning
from melanoma.html_page import bullets, paragraph, section
from melanoma.wording import counted, lesions


def page(report: Report, title: str, notes: Sequence[str] = ()) -> str:
    """Returns the page of an evaluation as one self-contained HTML file.

    Args:
        report: As `evaluate.evaluate` returns it, optionally with `data` as `matching.match` returns it, and
            `external`: parts as `external.evaluate_source` returns them.
        title: The title, plain text.
        notes: Warnings to show at the top, one sentence each.
    """
    data = report.get("data")
    lead = (
        f"{counted(report['n'], 'photograph')} of {lesions(report['groups'])}, "
        f"{len(report['evaluated'])} classes with {MIN_TEST_PHOTOGRAPHS} photographs or more."
    )
    chapters = [
        paragraph(lead),
        paragraph(NO_CLINICAL_VALIDATION, "warning"),
        *(paragraph(note, "warning") for note in [*filter(None, [data and left_out_warning(data)]), *notes]),
        external(report),
        parts.grid(cards(report), 195),
        section("What was evaluated", bullets(evaluation_accounting(data))) if data else "",
        class_metrics(report),
        confusion_matrix(report),
        calibration(report),
        curves(report),
        subgroups(report),
        challenge_metrics(report),
        _method(report),
    ]
    return parts.document(title, chapters)


def _method(report: Report) -> str:
    intervals = (
        f"Intervals hold the middle 95 % of {report['resamples']:,} bootstrap resamples that draw whole lesions or "
        f"patients with replacement (seed {report['seed']}). They show how much the metrics would vary on other "
        "photographs of the same kind, and nothing about photographs of another kind."
    )
    labels = "The labels are taken as the truth. In every collection some are wrong."
    return section("How to read this page", bullets([intervals, labels]))
