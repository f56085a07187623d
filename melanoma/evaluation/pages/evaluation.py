"""An evaluation as a page for people: built from the report's JSON values alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.evaluation.formatting import accounts
from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.evaluation.pages import chapters, parts
from melanoma.evaluation.pages.headlines import cards
from melanoma.evaluation.pages.parts import grid, paragraph, section

Report = Mapping[str, Any]


def page(report: Report, title: str, notes: Sequence[str] = ()) -> str:
    """Writes the page of an evaluation.

    Args:
        report: As `evaluation.evaluate` gives it, maybe with `data` as `matching.match` gives it.
        title: For people.
        notes: What else a reader must know, a sentence each, shown at the top.

    Returns:
        One self-contained HTML file.
    """
    data = report.get("data")
    lead = (
        f"{report['n']:,} photographs of {report['groups']:,} lesions or patients, "
        f"{len(report['evaluated'])} classes with {MIN_TEST_PHOTOGRAPHS} photographs or more."
    )
    chapter_list = [
        paragraph(lead),
        paragraph(NO_CLINICAL_VALIDATION, "warning"),
        *(paragraph(note, "warning") for note in notes),
        grid(cards(report), 195),
        section("What was judged", parts.bullets(accounts(data))) if data else "",
        chapters.classes(report),
        chapters.confusion(report),
        chapters.calibration(report),
        chapters.curves(report),
        chapters.subgroups(report),
        chapters.challenge(report),
        chapters.method(report),
    ]
    return parts.document(title, chapter_list)
