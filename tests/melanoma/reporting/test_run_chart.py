"""The chart of all runs is to scale, dates its ends and marks bad runs."""

import pytest

from melanoma.reporting.run_chart import RunBar, run_chart
from tests.helpers.reports import HOSTILE, Page


def bar(scored: int, failed: int = 0, deferred: int = 0, level: str = "", date: str = "2026-01-02") -> RunBar:
    return RunBar(scored, failed, deferred, date, f"{date}: {scored} scored", level)


def test_the_largest_run_fills_the_height_and_others_are_to_scale() -> None:
    page = Page(run_chart([bar(60, 30, 10), bar(50)]))
    heights = [height for height in page.values("height") if height <= 110]
    assert heights == pytest.approx([66.0, 33.0, 11.0, 55.0])
    assert page.values("y")[2:5] == pytest.approx([44.0, 11.0, 0.0])  # stacked upwards from the axis
    assert "100" in page.texts and page.elements["circle"] == 0


def test_the_ends_are_dated() -> None:
    dates = ["2026-01-01", "2026-01-02", "2026-01-03"]
    texts = Page(run_chart([bar(1, date=date) for date in dates])).texts
    assert "2026-01-01" in texts and "2026-01-03" in texts and "2026-01-02" not in texts
    assert Page(run_chart([bar(1)])).texts.count("2026-01-02") == 1


def test_a_run_with_a_level_has_a_dot_of_its_colour() -> None:
    page = Page(run_chart([bar(1), bar(1, level="bad"), bar(1, level="look")]))
    assert page.elements["circle"] == 2 and page.classes["bad"] == page.classes["look"] == 1


def test_runs_that_scored_nothing_are_drawn_without_a_division_by_zero() -> None:
    page = Page(run_chart([bar(0), bar(0)]))
    assert page.elements["rect"] == 2 and page.is_closed


def test_there_is_no_chart_without_runs() -> None:
    assert run_chart([]) == ""


def test_labels_are_escaped() -> None:
    chart = run_chart([RunBar(1, 0, 0, HOSTILE, HOSTILE, "")])
    assert Page(chart).elements["img"] == 0 and "\x1b" not in chart
