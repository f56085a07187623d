"""Charts as inline SVG, coloured by the page's style: curves, reliability diagrams, and a metric with its interval."""

from collections.abc import Sequence
from typing import NamedTuple

from melanoma.evaluation.report import Report
from melanoma.html_page import escaped

_SIDE, _LEFT, _TOP, _BELOW = 220, 48, 8, 36
_STRIP = 36
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BAR_START, _BAR_LENGTH = 6, 158


class Point(NamedTuple):
    """A point in the unit square."""

    x: float
    y: float


_DIAGONAL = (Point(0, 0), Point(1, 1))


def roc(points: Sequence[Sequence[float]], chosen: Point | None) -> str:
    """Returns a ROC curve.

    Args:
        points: Pairs [false alarm rate, sensitivity].
        chosen: The same pair for the decision rule; None to leave it out.
    """
    guessing = _line(_DIAGONAL, "guide")
    return _curve("false alarm rate (1 - specificity)", "sensitivity", guessing, points, chosen)


def precision_recall(points: Sequence[Sequence[float]], chosen: Point | None, prevalence: float) -> str:
    """Returns a precision-recall curve.

    Args:
        points: Pairs [recall, precision].
        chosen: The same pair for the decision rule; None to leave it out.
        prevalence: Share of the class, which is the precision of guessing.
    """
    guessing = _line([Point(0, prevalence), Point(1, prevalence)], "guide")
    return _curve("recall (sensitivity)", "precision (PPV)", guessing, points, chosen)


def reliability(bins: Sequence[Report], event: str) -> str:
    """Returns a reliability diagram: observed frequency by predicted probability, above a histogram of the bins.

    Args:
        bins: With n, stated, observed, low and high, as `metrics.calibration.reliability` returns them.
        event: What is predicted, such as "correct".
    """
    marks = [_line(_DIAGONAL, "guide"), *(_band(bin_) for bin_ in bins), *(_dot(bin_, event) for bin_ in bins)]
    return _framed("predicted probability", f"share that is {event}", "".join(marks) + _histogram(bins), _STRIP + 6)


def _band(bin_: Report) -> str:
    return _line([Point(bin_["stated"], bin_["low"]), Point(bin_["stated"], bin_["high"])], "band")


def _dot(bin_: Report, event: str) -> str:
    tip = f"predicted {bin_['stated']:.3f}, {escaped(event)} {bin_['observed']:.3f}, n = {bin_['n']:,}"
    x, y = _x(bin_["stated"]), _y(bin_["observed"])
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.6"><title>{tip}</title></circle>'


def _histogram(bins: Sequence[Report]) -> str:
    most = max((bin_["n"] for bin_ in bins), default=1)
    top, base = _TOP + _SIDE + _BELOW, _TOP + _SIDE + _BELOW + _STRIP
    bars = []
    for bin_ in bins:
        x, height = _x(bin_["stated"]) - 1.5, _STRIP * bin_["n"] / most
        bars.append(f'<rect class="bar" x="{x:.1f}" y="{base - height:.1f}" width="3" height="{height:.1f}"/>')
    return (
        "".join(bars) + f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _SIDE}" y1="{base}" y2="{base}"/>'
        f'<text x="{_LEFT - 4}" y="{top + 9}" text-anchor="end">{most:,}</text>'
        f'<text x="{_LEFT - 4}" y="{base}" text-anchor="end">n 0</text>'
    )


def interval(estimate: Report | None, reference: float | None, most: float = 1.0, least: float = 0.0) -> str:
    """Returns a metric as a dot within its interval, on a scale from `least` to `most`; nothing if it is undefined.

    Args:
        estimate: With value, low and high; values outside the scale are drawn at its end.
        reference: A value to mark with a tick; None for no tick.
        most: Upper end of the scale.
        least: Lower end of the scale; 0 is marked if the scale begins below it.
    """
    if estimate is None:
        return ""

    def _place(value: float) -> float:
        return _BAR_START + _BAR_LENGTH * (min(max(value, least), most) - least) / (most - least)

    value, low, high = (_place(estimate[key]) for key in ("value", "low", "high"))
    zero = _tick(_place(0), "guide") if least < 0 else ""
    tick = "" if reference is None else _tick(_place(reference), "reference")
    return (
        '<svg viewBox="0 0 170 18" aria-hidden="true"><line class="axis" x1="6" x2="164" y1="9" y2="9"/>'
        f'{zero}{tick}<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="9" y2="9"/>'
        f'<circle class="dot" cx="{value:.1f}" cy="9" r="4"/></svg>'
    )


def _tick(x: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="1" y2="17"/>'


def _curve(x_name: str, y_name: str, guide: str, points: Sequence[Sequence[float]], chosen: Point | None) -> str:
    dot = ""
    if chosen is not None:
        dot = f'<circle class="other" cx="{_x(chosen.x):.1f}" cy="{_y(chosen.y):.1f}" r="4.5"/>'
    return _framed(x_name, y_name, guide + _line([Point(x, y) for x, y in points], "line") + dot, 0)


def _framed(x_name: str, y_name: str, marks: str, below: int) -> str:
    """Returns marks in the unit square with ticks and axis names, and `below` units of space under them."""
    bottom, middle = _TOP + _SIDE, _TOP + _SIDE / 2
    ticks = "".join(
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _SIDE}" y1="{_y(t):.1f}" y2="{_y(t):.1f}"/>'
        f'<text x="{_LEFT - 5}" y="{_y(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        f'<line class="axis" x1="{_x(t):.1f}" x2="{_x(t):.1f}" y1="{_TOP}" y2="{bottom}"/>'
        f'<text x="{_x(t):.1f}" y="{bottom + 14}" text-anchor="middle">{t:g}</text>'
        for t in _TICKS
    )
    names = (
        f'<text x="{_LEFT + _SIDE / 2}" y="{bottom + 30}" text-anchor="middle">{escaped(x_name)}</text>'
        f'<text transform="translate(10 {middle}) rotate(-90)" text-anchor="middle">{escaped(y_name)}</text>'
    )
    size = f"0 0 {_LEFT + _SIDE + 12} {bottom + _BELOW + below}"
    label = escaped(f"{y_name} against {x_name}")
    return f'<svg viewBox="{size}" role="img" aria-label="{label}">{ticks}{names}{marks}</svg>'


def _line(points: Sequence[Point], kind: str) -> str:
    path = " ".join(f"{_x(point.x):.1f},{_y(point.y):.1f}" for point in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _x(value: float) -> float:
    return _LEFT + _SIDE * value


def _y(value: float) -> float:
    return _TOP + _SIDE * (1 - value)
