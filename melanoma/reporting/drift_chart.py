"""The chart of drift from run to run as inline SVG, coloured by the style sheet of the page."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from melanoma.html_page import escaped

_LEFT, _RIGHT, _HEIGHT = 60, 960, 150
_MANY = 120  # points that are drawn smaller
_FEWEST = 12  # steps between runs; fewer runs do not fill the width


class DriftPoint(NamedTuple):
    """The drift of one run.

    Attributes:
        psi: Population stability index, 0 or more.
        date: Date of the run.
        label: Tooltip of the point.
    """

    psi: float
    date: str
    label: str


class _Place(NamedTuple):
    """A place in the chart."""

    x: float
    y: float


def drift_chart(points: Sequence[DriftPoint], limit: float) -> str:
    """Draws the drift of runs, oldest first, on a square-root scale, with a dashed line at the limit.

    Args:
        points: The runs whose drift was assessed.
        limit: Index above which drift is a warning.

    Returns:
        SVG; empty if there are no points.
    """
    if not points:
        return ""
    most = max(limit, *(point.psi for point in points)) * 1.1
    places = [_place(place, point, len(points), most) for place, point in enumerate(points)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    above = sum(point.psi > limit for point in points)
    largest = max(points, key=lambda point: point.psi)
    spoken = (
        f"Drift of {len(points):,} runs from {points[0].date} to {points[-1].date}: {above:,} above the limit of "
        f"{limit:g}, last {points[-1].psi:.2f}, largest {largest.psi:.2f} on {largest.date}"
    )
    y_limit = _y(limit, most)
    return (
        f'<div class="scroll newest"><svg class="series" viewBox="0 0 970 {_HEIGHT + 36}" role="img" '
        f'aria-label="{escaped(spoken)}"><line class="axis" x1="56" x2="{_RIGHT}" y1="{_HEIGHT}.5" y2="{_HEIGHT}.5"/>'
        f'<line class="limit" x1="56" x2="{_RIGHT}" y1="{y_limit:.1f}" y2="{y_limit:.1f}"/>'
        f'<text x="50" y="{y_limit + 4:.1f}" text-anchor="end">limit {limit:g}</text>'
        f'<text x="50" y="{_HEIGHT}" text-anchor="end">0</text>'
        f'<polyline class="line" points="{line}"/>{_dots(points, places, limit)}{_dates(points, places)}</svg></div>'
    )


def _place(place: int, point: DriftPoint, count: int, most: float) -> _Place:
    step = (_RIGHT - _LEFT) / max(count - 1, _FEWEST)
    return _Place(_LEFT + step * place, _y(point.psi, most))


def _y(psi: float, most: float) -> float:
    return _HEIGHT * (1 - math.sqrt(psi / most))


def _dots(points: Sequence[DriftPoint], places: Sequence[_Place], limit: float) -> str:
    radius = 4 if len(points) < _MANY else 2
    return "".join(
        f'<circle class="{"bad" if point.psi > limit else "dot"}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'
        f"<title>{escaped(point.label)}</title></circle>"
        for point, (x, y) in zip(points, places, strict=True)
    )


def _dates(points: Sequence[DriftPoint], places: Sequence[_Place]) -> str:
    below = _HEIGHT + 30
    first = f'<text x="{_LEFT}" y="{below}">{escaped(points[0].date)}</text>'
    if len(points) < 3:
        return first
    return first + f'<text x="{places[-1].x:.0f}" y="{below}" text-anchor="end">{escaped(points[-1].date)}</text>'
