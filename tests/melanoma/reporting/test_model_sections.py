"""Sections of the page of a model that the page's own test does not reach: a long history."""

from dataclasses import replace

from melanoma.reporting.limits import Limits
from melanoma.reporting.model_sections import drift
from melanoma.runs.run_history import RunSummary, summary_of
from tests.helpers.reports import RECORD, Page


def judged(number: int) -> RunSummary:
    return {**summary_of(replace(RECORD, run_date=f"{number:04}-01-01"), {}), "drift_earlier": 0.1}


def test_only_the_last_judged_runs_are_drawn() -> None:
    page = Page(drift([judged(number) for number in range(400)], Limits()))
    assert page.elements["circle"] == 365 and "The last 365 of 400 judged runs." in page.texts
    assert "0035-01-01" in page.texts and "0399-01-01" in page.texts
    assert "The last" not in Page(drift([judged(1)], Limits())).text
