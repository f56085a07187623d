"""Charts: every number is drawn where it belongs."""

import re

import pytest

from melanoma.evaluation.pages import svg
from melanoma.evaluation.pages.svg import Point
from tests.helpers.html_reader import HtmlReader

LEFT, TOP, SIDE = 48, 8, 220
BIN = {"n": 10, "stated": 0.5, "observed": 0.25, "low": 0.4, "high": 0.6}


def lines(text: str, kind: str) -> list[list[tuple[float, float]]]:
    """Returns the points of every line of a kind, as numbers from 0 to 1."""
    found = re.findall(rf'<polyline class="{kind}" points="([^"]+)"', text)
    pairs = [[tuple(map(float, point.split(","))) for point in path.split()] for path in found]
    return [[((x - LEFT) / SIDE, 1 - (y - TOP) / SIDE) for x, y in points] for points in pairs]


def numbers(text: str, tag: str, name: str) -> list[float]:
    """Returns an attribute of every tag of a kind."""
    return [float(value) for value in re.findall(rf'<{tag} [^>]*\b{name}="([^"]+)"', text)]


def test_a_roc_curve_runs_through_its_points() -> None:
    text = svg.roc([[0, 0], [0.25, 0.5], [1, 1]], Point(0.1, 0.4))
    assert lines(text, "line") == [[(0, 0), (0.25, 0.5), (1, 1)]]
    assert lines(text, "guide") == [[(0, 0), (1, 1)]]
    assert numbers(text, "circle", "cx") == [LEFT + 0.1 * SIDE]
    assert numbers(text, "circle", "cy") == [TOP + 0.6 * SIDE]
    assert "sensitivity against false alarm rate (1 - specificity)" in HtmlReader(text).values("aria-label")


def test_the_dashed_line_of_a_precision_recall_curve_is_the_prevalence() -> None:
    text = svg.precision_recall([[0, 1], [1, 0.5]], None, 0.25)
    assert lines(text, "guide") == [[(0, 0.25), (1, 0.25)]]
    assert numbers(text, "circle", "cx") == []
    assert "precision (PPV) against recall (sensitivity)" in HtmlReader(text).values("aria-label")


def test_axes_have_five_ticks() -> None:
    text = HtmlReader(svg.roc([[0, 0], [1, 1]], None)).text
    assert [tick for tick in ("0.25", "0.5", "0.75") if text.count(tick) < 2] == []


def test_a_reliability_diagram_has_a_dot_a_band_and_a_bar_for_each_bin() -> None:
    text = svg.reliability([BIN, {**BIN, "n": 40, "stated": 0.75, "observed": 1.0}], "melanoma <1 mm")
    assert numbers(text, "circle", "cx") == [LEFT + 0.5 * SIDE, LEFT + 0.75 * SIDE]
    assert numbers(text, "circle", "cy") == [TOP + 0.75 * SIDE, TOP]
    assert lines(text, "band")[0] == [(0.5, pytest.approx(0.4)), (0.5, pytest.approx(0.6))]
    short, tall = numbers(text, "rect", "height")
    assert tall == pytest.approx(4 * short)
    found = HtmlReader(text)
    assert "predicted 0.500, melanoma <1 mm 0.250, n = 10" in found.text
    assert "share that is melanoma <1 mm" in found.text


def test_a_reliability_diagram_without_bins_can_be_drawn() -> None:
    assert HtmlReader(svg.reliability([], "correct")).tags[0] == "svg"


@pytest.mark.parametrize(
    ("least", "most", "value", "expected"),
    [(0, 1, 0.0, 6), (0, 1, 1.0, 164), (0, 1, 0.5, 85), (-0.2, 0.2, 0.0, 85), (0, 2, 1.0, 85), (0, 1, 7.0, 164)],
)
def test_a_metric_is_drawn_on_its_scale(least: float, most: float, value: float, expected: float) -> None:
    text = svg.interval({"value": value, "low": value, "high": value}, None, most=most, least=least)
    assert numbers(text, "circle", "cx") == [expected]


def test_an_interval_runs_from_low_to_high() -> None:
    text = svg.interval({"value": 0.5, "low": 0.25, "high": 1.5}, None)
    assert numbers(text, 'line class="spread"', "x1") == [6 + 158 / 4]
    assert numbers(text, 'line class="spread"', "x2") == [164]


def test_a_reference_is_a_tick_and_zero_is_marked_only_on_scales_that_cross_it() -> None:
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6}
    plain, ticked = svg.interval(estimate, None), svg.interval(estimate, 0.0)
    assert "reference" not in plain and "guide" not in plain
    assert numbers(ticked, 'line class="reference"', "x1") == [6]
    assert numbers(svg.interval(estimate, None, least=-1.0), 'line class="guide"', "x1") == [85]


def test_an_undefined_metric_is_not_drawn() -> None:
    assert svg.interval(None, 0.5) == ""
