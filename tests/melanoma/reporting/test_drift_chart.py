"""The chart of drift is to scale, marks runs above the limit, and states the same in words."""

import math

import pytest

from melanoma.reporting.drift_chart import DriftPoint, drift_chart
from tests.helpers.reports import HOSTILE, Page


def points(*values: float) -> list[DriftPoint]:
    return [DriftPoint(psi, f"2026-01-{day:02}", f"PSI {psi}") for day, psi in enumerate(values, start=1)]


def test_points_and_the_limit_are_on_a_square_root_scale() -> None:
    page = Page(drift_chart(points(0.0, 0.1, 0.8), limit=0.2))
    expected = [150 * (1 - math.sqrt(psi / 0.88)) for psi in (0.0, 0.1, 0.8)]
    assert page.values("cy") == pytest.approx(expected, abs=0.06)
    assert page.classes["limit"] == 1 and "limit 0.2" in page.texts
    assert pytest.approx(150 * (1 - math.sqrt(0.2 / 0.88)), abs=0.06) in page.values("y1")


def test_runs_above_the_limit_are_red_and_counted_in_words() -> None:
    page = Page(drift_chart(points(0.1, 0.3, 0.2, 0.25), limit=0.2))
    assert page.classes["bad"] == page.classes["dot"] == 2
    (spoken,) = [value for name, value in page.attributes if name == "aria-label"]
    assert spoken == (
        "Drift of 4 runs from 2026-01-01 to 2026-01-04: 2 above the limit of 0.2, last 0.25, largest 0.30 on 2026-01-02"
    )


def test_the_limit_is_drawn_if_no_run_reaches_it() -> None:
    page = Page(drift_chart(points(0.01), limit=0.2))
    assert all(0 <= y <= 150 for y in page.values("cy") + page.values("y1")[1:2])


def test_without_points_there_is_no_chart_and_labels_are_escaped() -> None:
    assert drift_chart([], 0.2) == ""
    page = Page(drift_chart([DriftPoint(0.1, HOSTILE, HOSTILE)] * 3, 0.2))
    assert page.elements["img"] == 0 and page.is_closed
