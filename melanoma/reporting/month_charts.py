"""Charts of a model by month as inline SVG, coloured by the style sheet of the page."""

import math
from collections.abc import Sequence

from melanoma.html_page import escaped
from melanoma.reporting.months import Month

_WIDTH, _LEFT, _HEIGHT = 320, 46, 90
_FEWEST = 6  # columns; fewer months do not fill the width


def share_by_month(name: str, months: Sequence[Month], shares: Sequence[float | None], reference: float | None) -> str:
    """Draws the share of photographs that were assigned to a class in each month.

    Args:
        name: Name of the class.
        months: The months, oldest first.
        shares: Share in each month, 0 to 1; None if nothing was scored.
        reference: Share among the bundle's validation photographs, as a dashed line; None if it is not known.
    """
    most = max([share for share in (*shares, reference) if share is not None], default=0.0) or 1.0
    bars = [None if share is None else share / most for share in shares]
    tips = [f"{month.name}: {_percent(share)}" for month, share in zip(months, shares, strict=True)]
    line = ""
    if reference is not None:
        y = _HEIGHT * (1 - reference / most)
        line = f'<line class="reference" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
    last = _percent(shares[-1]) if shares else ""
    spoken = f"{name} by month: {_spoken(tips)}"
    return _figure(name, f"last month {last}", spoken, months, _bars(bars, tips) + line, f"{most:.0%}")


def photographs_by_month(months: Sequence[Month]) -> str:
    """Draws the number of photographs scored in each month, and of those that failed."""
    most = max((month.scored + month.failed for month in months), default=0) or 1
    tips = [f"{month.name}: {month.scored:,} scored, {month.failed:,} failed, runs: {month.runs:,}" for month in months]
    scored = _bars([month.scored / most for month in months], tips, kind="scored")
    bases = [month.scored / most for month in months]
    failed = _bars([month.failed / most or None for month in months], tips, kind="failed", bases=bases)
    return _figure("Photographs", "by month", _spoken(tips), months, scored + failed, f"{most:,}")


def histograms_by_month(name: str, months: Sequence[Month], column: str) -> str:
    """Draws the histogram of a column in each month: from 0 at the bottom to 1, darker where more photographs are.

    Args:
        name: Name of the column for people.
        months: The months, oldest first.
        column: Its name in the distributions.
    """
    found = [month.seen.get("histograms", {}).get(column) for month in months]
    cells = "".join(_cells(place, histogram or (), len(months)) for place, histogram in enumerate(found))
    tips = [
        f"{month.name}: {_half(histogram)} at 0.5 or above" if histogram else f"{month.name}: nothing scored"
        for month, histogram in zip(months, found, strict=True)
    ]
    marks = cells + _tips(tips)
    return _figure(name, "", f"{name}, histogram by month: {_spoken(tips)}", months, marks, "1")


def _cells(place: int, histogram: Sequence[float], columns: int) -> str:
    step, side = _step(columns), _HEIGHT / max(len(histogram), 1)
    return "".join(
        f'<rect class="cell" x="{_LEFT + step * place:.1f}" y="{_HEIGHT - side * (bin_ + 1):.1f}" '
        f'width="{0.9 * step:.1f}" height="{side:.1f}" fill-opacity="{math.sqrt(share):.2f}"/>'
        for bin_, share in enumerate(histogram)
        if share > 0
    )


def _half(histogram: Sequence[float]) -> str:
    return f"{sum(histogram[len(histogram) // 2 :]):.1%}"


def _bars(
    heights: Sequence[float | None], tips: Sequence[str], kind: str = "bar", bases: Sequence[float] | None = None
) -> str:
    """Draws a bar for each month that has a height, 0 to 1, on top of its base."""
    step = _step(len(heights))
    marks = []
    for place, height in enumerate(heights):
        if height is not None:
            top = _HEIGHT * (1 - height - (bases[place] if bases else 0.0))
            marks.append(
                f'<rect class="{kind}" x="{_LEFT + step * place:.1f}" y="{top:.1f}" width="{0.8 * step:.1f}" '
                f'height="{max(_HEIGHT * height, 1):.1f}"/>'
            )
    return "".join(marks) + _tips(tips)


def _tips(tips: Sequence[str]) -> str:
    """Draws an invisible area over each month that shows its figures when it is pointed at."""
    step = _step(len(tips))
    return "".join(
        f'<rect class="hit" x="{_LEFT + step * place:.1f}" y="0" width="{step:.1f}" height="{_HEIGHT}">'
        f"<title>{escaped(tip)}</title></rect>"
        for place, tip in enumerate(tips)
    )


def _step(columns: int) -> float:
    return (_WIDTH - _LEFT) / max(columns, _FEWEST)


def _figure(name: str, note: str, spoken: str, months: Sequence[Month], marks: str, most: str) -> str:
    """Returns a picture with its axes and caption; `spoken` is read to people who cannot see it."""
    end = _LEFT + _step(len(months)) * len(months)
    dates = f'<text x="{_LEFT}" y="{_HEIGHT + 16}">{months[0].name}</text>' if months else ""
    if len(months) > 2:
        dates += f'<text x="{end:.0f}" y="{_HEIGHT + 16}" text-anchor="end">{months[-1].name}</text>'
    return (
        f'<figure class="small"><figcaption><b>{escaped(name)}</b> {escaped(note)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 22}" role="img" aria-label="{escaped(spoken)}">'
        f'<text x="{_LEFT - 4}" y="10" text-anchor="end">{most}</text>'
        f'<text x="{_LEFT - 4}" y="{_HEIGHT}" text-anchor="end">0</text>'
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{_HEIGHT}.5" y2="{_HEIGHT}.5"/>{marks}{dates}'
        "</svg></figure>"
    )


def _spoken(tips: Sequence[str]) -> str:
    return "; ".join(tips)


def _percent(share: float | None) -> str:
    return "nothing scored" if share is None else f"{share:.1%}"
