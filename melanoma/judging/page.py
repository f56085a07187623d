"""An evaluation as a page for people: built from the report's JSON values alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from melanoma.judging import chapters, markup
from melanoma.judging.headlines import cards
from melanoma.judging.markup import grid, paragraph, section
from melanoma.judging.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.judging.sentences import accounts

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
    parts = [
        paragraph(lead),
        paragraph(markup.NO_DIAGNOSIS, "warning"),
        *(paragraph(note, "warning") for note in notes),
        grid(cards(report), 195),
        section("What was judged", markup.bullets(accounts(data))) if data else "",
        chapters.classes(report),
        chapters.confusion(report),
        chapters.calibration(report),
        chapters.curves(report),
        chapters.subgroups(report),
        chapters.challenge(report),
        chapters.method(report),
    ]
    return markup.document(title, parts)
