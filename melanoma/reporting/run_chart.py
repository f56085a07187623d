"""The chart of all runs as inline SVG, coloured by the style sheet of the page."""

from collections.abc import Sequence
from typing import NamedTuple

from melanoma.html_page import escaped
from melanoma.wording import counted

TRIED = ("scored", "failed", "deferred")
_HEIGHT = 110


class RunBar(NamedTuple):
    """A run in the chart of all runs.

    Attributes:
        scored: Number of photographs scored.
        failed: Number of photographs that failed.
        deferred: Number of photographs deferred.
        date: Date of the run.
        label: Tooltip of the bar.
        level: CSS class of the dot below the bar; empty for no dot.
    """

    scored: int
    failed: int
    deferred: int
    date: str
    label: str
    level: str


def run_chart(runs: Sequence[RunBar]) -> str:
    """Draws runs, oldest first, as stacked bars of the photographs scored, failed and deferred."""
    if not runs:
        return ""
    most = max(run.scored + run.failed + run.deferred for run in runs) or 1
    step = 900 / max(len(runs), 12)
    marks = "".join(_stacked(run, 60 + step * place, step, most) for place, run in enumerate(runs))
    height, below = _HEIGHT, _HEIGHT + 30
    dates = f'<text x="60" y="{below}">{escaped(runs[0].date)}</text>'
    if len(runs) > 1:
        dates += f'<text x="{60 + step * len(runs):.0f}" y="{below}" text-anchor="end">{escaped(runs[-1].date)}</text>'
    return (
        f'<div class="scroll newest"><svg class="series" viewBox="0 0 970 {height + 36}" role="img" '
        f'aria-label="{escaped(_spoken(runs))}"><line class="axis" x1="56" x2="960" '
        f'y1="{height}.5" y2="{height}.5"/><text x="50" y="12" text-anchor="end">{most:,.0f}</text>'
        f'<text x="50" y="{height}" text-anchor="end">0</text>{marks}{dates}</svg></div>'
    )


def _stacked(run: RunBar, x: float, step: float, most: int) -> str:
    y, marks = float(_HEIGHT), []
    for part in TRIED:
        height = _HEIGHT * float(getattr(run, part)) / most
        y -= height
        if height:
            place_and_size = f'x="{x:.1f}" y="{y:.1f}" width="{0.8 * step:.1f}" height="{max(height, 1):.1f}"'
            marks.append(f'<rect class="{part}" {place_and_size}/>')
    if run.level:
        marks.append(f'<circle class="{run.level}" cx="{x + 0.4 * step:.1f}" cy="{_HEIGHT + 10}" r="4"/>')
    marks.append(
        f'<rect class="hit" x="{x:.1f}" y="0" width="{step:.1f}" height="{_HEIGHT + 16}"><title>'
        f"{escaped(run.label)}</title></rect>"
    )
    return "".join(marks)


def _spoken(runs: Sequence[RunBar]) -> str:
    """Returns what is read to people who cannot see the chart; the table of runs has the numbers."""
    return f"Photographs scored, failed and deferred in {counted(len(runs), 'run')}. Last run, {runs[-1].label}"
