"""Pictures by month are to scale, have a text for people who cannot see them, and escape every name."""

import pytest

from melanoma.reporting.month_charts import histograms_by_month, photographs_by_month, share_by_month
from melanoma.reporting.months import Month
from tests.helpers.reports import HOSTILE, Page

HEIGHT = 90.0


def month(name: str, scored: int = 0, failed: int = 0, histogram: list[float] | None = None) -> Month:
    seen = {"n": scored, "histograms": {"p_nevus": histogram}} if histogram else {}
    return Month(name, runs=1, scored=scored, failed=failed, drift=None, drift_earlier=None, seen=seen)


MONTHS = [month("2026-01", 300, 100), month("2026-02"), month("2026-03", 100)]


def heights(page: Page) -> list[float]:
    """Returns the heights of the drawn bars, without the invisible areas over the whole month."""
    return [height for height in page.values("height") if height != HEIGHT]


def spoken(page: Page) -> str:
    (label,) = [value for name, value in page.attributes if name == "aria-label"]
    return label or ""


def test_the_largest_month_fills_the_height_and_others_are_to_scale() -> None:
    page = Page(photographs_by_month(MONTHS))
    assert heights(page) == pytest.approx([67.5, 1.0, 22.5, 22.5])
    assert page.classes["scored"] == 3 and page.classes["failed"] == 1
    assert "400" in page.texts and "2026-01: 300 scored, 100 failed, runs: 1" in spoken(page)


def test_shares_are_drawn_on_their_own_scale_with_the_reference() -> None:
    page = Page(share_by_month("Nevus", MONTHS, [0.2, None, 0.1], 0.4))
    assert heights(page) == pytest.approx([45.0, 22.5]) and "40%" in page.texts
    assert page.classes["reference"] == 1 and page.values("y1")[-1] == 0.0
    assert spoken(page) == "Nevus by month: 2026-01: 20.0%; 2026-02: nothing scored; 2026-03: 10.0%"
    assert "last month 10.0%" in page.texts


def test_without_a_reference_there_is_no_line() -> None:
    assert Page(share_by_month("Nevus", MONTHS, [0.2, None, 0.1], None)).classes["reference"] == 0


def test_a_histogram_is_darker_where_more_photographs_are() -> None:
    months = [month("2026-01", 100, histogram=[0.81, 0.0, 0.0, 0.19]), month("2026-02")]
    page = Page(histograms_by_month("Nevus", months, "p_nevus"))
    assert page.values("fill-opacity") == [0.9, 0.44] and page.classes["cell"] == 2
    assert page.values("y")[2:4] == [67.5, 0.0]  # the lowest bin at the bottom
    assert "2026-01: 19.0% at 0.5 or above; 2026-02: nothing scored" in spoken(page)


def test_only_the_ends_are_dated_and_names_are_escaped() -> None:
    page = Page(share_by_month(HOSTILE, MONTHS, [0.1, 0.1, 0.1], None))
    assert [text for text in page.texts if text.startswith("2026") and ":" not in text] == ["2026-01", "2026-03"]
    assert page.elements["img"] == 0 and page.is_closed and "\x1b" not in page.text


def test_months_in_which_nothing_was_scored_are_drawn_without_a_division_by_zero() -> None:
    empty = [month("2026-01"), month("2026-02")]
    for html in (
        photographs_by_month(empty),
        share_by_month("Nevus", empty, [None, None], None),
        share_by_month("Nevus", empty, [0.0, 0.0], 0.0),
        histograms_by_month("Nevus", empty, "p_nevus"),
    ):
        assert Page(html).is_closed
