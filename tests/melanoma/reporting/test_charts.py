"""Charts show what they are given, to scale, and escape every name."""

import pytest

from melanoma.reporting.charts import Bar, ClassShare, accounting, bars, class_shares, histogram, legend
from tests.helpers.reports import HOSTILE, Page

PARTS = {"scored": 900, "failed": 1, "skipped": 99, "duplicates": 0, "deferred": 0}


def test_an_accounting_bar_has_a_part_for_each_outcome_present() -> None:
    page = Page(accounting(PARTS, 1000))
    assert page.elements["rect"] == 3 and page.is_closed
    assert "900 scored" in page.texts and "1 failed" in page.texts and "deferred" not in page.text


def test_the_parts_fill_the_bar_and_a_thin_one_is_still_visible() -> None:
    page = Page(accounting(PARTS, 1000))
    widths, places = page.values("width"), page.values("x")
    assert min(widths) >= 2
    assert places[-1] + widths[-1] == pytest.approx(1000, abs=3)
    assert widths[0] / widths[2] == pytest.approx(900 / 99, rel=0.1)


@pytest.mark.parametrize(("parts", "listed"), [({}, 10), (PARTS, 0), (dict.fromkeys(PARTS, 0), 10)])
def test_there_is_no_bar_without_photographs(parts: dict[str, int], listed: int) -> None:
    assert accounting(parts, listed) == ""


def test_a_legend_names_each_colour() -> None:
    page = Page(legend({"failed": "3 <failed>"}))
    assert page.classes["failed"] == 1 and page.texts == ["3 <failed>"]


def test_bars_are_as_long_as_their_shares() -> None:
    page = Page(bars([Bar("a", 1.0, "all"), Bar("b", 0.25, "a quarter"), Bar("c", 0.0, "nothing")]))
    assert page.values("width") == [200.0, 50.0, 0.8]
    assert page.texts == ["a", "all", "b", "a quarter", "c", "nothing"]


def test_class_shares_mark_earlier_runs_and_the_reference_where_they_are_known() -> None:
    page = Page(class_shares([ClassShare("Nevus", 0.5, 0.25, None), ClassShare("Melanoma", 0.1, None, 0.0)]))
    assert page.values("width") == [198.0, 39.6]
    assert page.values("x1") == [100.0, 1.0]
    assert page.texts[-6:] == ["Nevus", "50.0%", "25.0%", "Melanoma", "10.0%", "0.0%"]


def test_shares_of_zero_are_drawn_without_a_division_by_zero() -> None:
    assert Page(class_shares([ClassShare("Nevus", 0.0, 0.0, None)])).is_closed
    assert Page(class_shares([])).elements["rect"] == 0


def test_a_histogram_has_a_block_for_each_bin_on_a_square_root_scale() -> None:
    page = Page(histogram("Nevus", [1.0, 0.25] + [0.0] * 8, None, None, "PSI 0.10"))
    assert page.elements["rect"] == 10 and page.elements["polyline"] == 0
    assert page.values("height")[:3] == [60.0, 30.0, 0.0]
    assert "0.0 to 0.1: 100.0%" in page.texts and "PSI 0.10" in page.text


def test_a_histogram_outlines_earlier_runs_and_the_reference() -> None:
    page = Page(histogram("Nevus", [0.1] * 10, [0.1] * 10, [0.0] * 10, ""))
    assert page.classes["before"] == page.classes["reference"] == 1
    points = [value for name, value in page.attributes if name == "points"]
    assert [len((value or "").split()) for value in points] == [20, 20]


def test_names_are_escaped_everywhere() -> None:
    charts = [
        bars([Bar(HOSTILE, 0.5, HOSTILE)]),
        class_shares([ClassShare(HOSTILE, 0.5, None, None)]),
        histogram(HOSTILE, [0.1] * 10, None, None, HOSTILE),
        legend({"failed": HOSTILE}),
    ]
    for chart in charts:
        assert Page(chart).elements["img"] == 0 and "\x1b" not in chart and "<img" in Page(chart).text
