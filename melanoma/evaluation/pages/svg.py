"""Charts as inline SVG, coloured by the page: curves, reliability, and a figure within its interval."""

from collections.abc import Mapping, Sequence
from typing import Any

from melanoma.evaluation.pages.parts import escaped

_SIDE, _LEFT, _TOP, _BELOW = 220, 48, 8, 36
_STRIP = 36
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def roc(points: Sequence[Sequence[float]], chosen: tuple[float, float] | None) -> str:
    """Draws a ROC curve.

    Args:
        points: Of [false alarm rate, sensitivity].
        chosen: Where the decision rule stands; None for nowhere.
    """
    return _square(
        "false alarm rate (1 - specificity)", "sensitivity", _line([(0, 0), (1, 1)], "guide"), points, chosen
    )


def precision_recall(points: Sequence[Sequence[float]], chosen: tuple[float, float] | None, prevalence: float) -> str:
    """Draws a precision-recall curve.

    Args:
        points: Of [recall, precision].
        chosen: Where the decision rule stands; None for nowhere.
        prevalence: Share of the class, which is the precision of guessing.
    """
    guess = _line([(0, prevalence), (1, prevalence)], "guide")
    return _square("recall (sensitivity)", "precision (PPV)", guess, points, chosen)


def reliability(bins: Sequence[Mapping[str, Any]], happens: str) -> str:
    """Draws how often it happens against how likely it was said to be, and how many photographs lie where.

    Args:
        bins: With n, stated, observed, low and high.
        happens: What happens, such as "right".
    """
    most = max((bin_["n"] for bin_ in bins), default=1)
    marks = [_line([(0, 0), (1, 1)], "guide")]
    for bin_ in bins:
        x, height = _x(bin_["stated"]), _STRIP * bin_["n"] / most
        base = _TOP + _SIDE + _BELOW + _STRIP
        marks.append(_line([(bin_["stated"], bin_["low"]), (bin_["stated"], bin_["high"])], "band"))
        marks.append(f'<rect class="bar" x="{x - 1.5:.1f}" y="{base - height:.1f}" width="3" height="{height:.1f}"/>')
    marks += [
        f'<circle class="dot" cx="{_x(bin_["stated"]):.1f}" cy="{_y(bin_["observed"]):.1f}" r="3.6"><title>stated '
        f"{bin_['stated']:.3f}, {escaped(happens)} {bin_['observed']:.3f}, n = {bin_['n']:,}</title></circle>"
        for bin_ in bins
    ]
    strip = _TOP + _SIDE + _BELOW
    marks.append(f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _SIDE}" y1="{strip + _STRIP}" y2="{strip + _STRIP}"/>')
    marks.append(f'<text x="{_LEFT - 4}" y="{strip + 9}" text-anchor="end">{most:,}</text>')
    marks.append(f'<text x="{_LEFT - 4}" y="{strip + _STRIP}" text-anchor="end">n 0</text>')
    return _framed("stated probability", f"share that is {happens}", "".join(marks), _STRIP + 6)


def interval(
    estimate: Mapping[str, float] | None, reference: float | None, most: float = 1.0, least: float = 0.0
) -> str:
    """Draws a figure as a dot within its interval on a scale, and a reference as a tick across it."""
    if estimate is None:
        return ""

    def place(value: float) -> float:
        return 6 + 158 * (min(max(value, least), most) - least) / (most - least)

    value, low, high = (place(estimate[key]) for key in ("value", "low", "high"))
    tick = "" if reference is None else _tick(place(reference), "reference")
    zero = _tick(place(0), "guide") if least < 0 else ""
    return (
        '<svg viewBox="0 0 170 18" aria-hidden="true"><line class="axis" x1="6" x2="164" y1="9" y2="9"/>'
        f'{zero}{tick}<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="9" y2="9"/>'
        f'<circle class="dot" cx="{value:.1f}" cy="9" r="4"/></svg>'
    )


def _tick(x: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="1" y2="17"/>'


def _square(
    x_name: str, y_name: str, guide: str, points: Sequence[Sequence[float]], chosen: tuple[float, float] | None
) -> str:
    dot = ""
    if chosen is not None:
        dot = f'<circle class="other" cx="{_x(chosen[0]):.1f}" cy="{_y(chosen[1]):.1f}" r="4.5"/>'
    return _framed(x_name, y_name, guide + _line([(x, y) for x, y in points], "line") + dot, 0)


def _framed(x_name: str, y_name: str, marks: str, more: int) -> str:
    """Draws marks in the unit square, with ticks and names of both axes."""
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
    size = f"0 0 {_LEFT + _SIDE + 12} {bottom + _BELOW + more}"
    label = escaped(f"{y_name} against {x_name}")
    return f'<svg viewBox="{size}" role="img" aria-label="{label}">{ticks}{names}{marks}</svg>'


def _line(points: Sequence[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _x(value: float) -> float:
    return _LEFT + _SIDE * value


def _y(value: float) -> float:
    return _TOP + _SIDE * (1 - value)
