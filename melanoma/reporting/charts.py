"""Charts of a run as inline SVG, coloured by the style sheet of the page."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from melanoma.html_page import escaped

OUTCOMES = ("scored", "failed", "skipped", "duplicates", "deferred", "other_shard")
_HISTOGRAM_HEIGHT = 60
_WIDENED = 'preserveAspectRatio="none" aria-hidden="true"'  # a bar as wide as its cell; its number is in the row


class Bar(NamedTuple):
    """A labelled bar.

    Attributes:
        name: Label before the bar.
        share: Length, 0 to 1.
        text: Label after the bar.
    """

    name: str
    share: float
    text: str


class ClassShare(NamedTuple):
    """The share of photographs that were assigned to a class, 0 to 1.

    Attributes:
        name: Name of the class.
        now: Share in this run.
        before: Share in earlier runs; None if there are none.
        reference: Share among the bundle's validation photographs; None if the bundle does not state it.
    """

    name: str
    now: float
    before: float | None
    reference: float | None


def in_words(outcome: str) -> str:
    """Returns the name of an outcome for people."""
    return outcome.replace("_", " ")


def accounting(counts: Mapping[str, int], listed: int) -> str:
    """Draws one bar whose parts add up to the listed photographs; a very thin part is still visible.

    Args:
        counts: Number of photographs of each of `OUTCOMES`; others are ignored.
        listed: Number of listed photographs.

    Returns:
        SVG and its legend; empty if there is nothing to draw.
    """
    shown = [(name, counts[name]) for name in OUTCOMES if counts.get(name)]
    if not listed or not shown:
        return ""
    free = 1000 - 6 * len(shown)
    x, marks = 0.0, []
    for name, count in shown:
        width = 6 + free * count / listed
        marks.append(
            f'<rect class="{name}" x="{x:.1f}" y="0" width="{max(width - 2, 2):.1f}" height="26" rx="3">'
            f"<title>{count:,} {in_words(name)}</title></rect>"
        )
        x += width
    return (
        f'<svg class="accounting" viewBox="0 0 1000 26" preserveAspectRatio="none" role="img" aria-label="{listed:,} '
        f'listed">{"".join(marks)}</svg>{legend({name: f"{count:,} {in_words(name)}" for name, count in shown})}'
    )


def legend(texts: Mapping[str, str]) -> str:
    """Returns the legend of a chart: a text for each CSS class."""
    entries = "".join(f'<span><i class="{name}"></i>{escaped(text)}</span>' for name, text in texts.items())
    return f'<p class="legend">{entries}</p>'


def bars(rows: Sequence[Bar]) -> str:
    """Draws labelled bars below each other."""
    cells = "".join(
        f'<tr><th scope="row">{escaped(row.name)}</th><td><svg viewBox="0 0 200 14" {_WIDENED}>'
        f'<rect class="bar" width="{max(200 * row.share, 0.8):.1f}" height="14" rx="2"/></svg></td>'
        f"<td>{escaped(row.text)}</td></tr>"
        for row in rows
    )
    return f'<div class="scroll"><table class="bars">{cells}</table></div>'


def class_shares(rows: Sequence[ClassShare]) -> str:
    """Draws the shares of classes: this run as a bar, earlier runs and the reference as marks across it."""
    most = max((value or 0.0 for row in rows for value in (row.now, row.before, row.reference)), default=1.0) or 1.0
    cells = "".join(_class_share(row, most) for row in rows)
    head = (
        '<thead><tr><th>class</th><th></th><th>this run</th><th><i class="before"></i>earlier</th>'
        '<th><i class="reference"></i>reference</th></tr></thead>'
    )
    return f'<div class="scroll"><table class="bars">{head}<tbody>{cells}</tbody></table></div>'


def _class_share(row: ClassShare, most: float) -> str:
    def mark(value: float | None, kind: str) -> str:
        if value is None:
            return ""
        x = 198 * value / most + 1
        return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="16"/>'

    return (
        f'<tr><th scope="row">{escaped(row.name)}</th><td><svg viewBox="0 0 200 16" {_WIDENED}>'
        f'<rect class="bar" y="3" width="{max(198 * row.now / most, 0.8):.1f}" height="10" rx="2"/>'
        f"{mark(row.before, 'before')}{mark(row.reference, 'reference')}</svg></td><td>{row.now:.1%}</td>"
        f"<td>{_percent(row.before)}</td><td>{_percent(row.reference)}</td></tr>"
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def histogram(
    name: str, now: Sequence[float], before: Sequence[float] | None, reference: Sequence[float] | None, note: str
) -> str:
    """Draws a histogram of ten bins from 0 to 1 on a square-root scale, and two outlines to compare it with.

    Args:
        name: Name of the column.
        now: Shares of this run, sum 1.
        before: Shares of earlier runs; None if there are none.
        reference: Shares of the bundle's validation photographs; None if the bundle does not state them.
        note: Text after the name.
    """
    tips = [f"{place / 10:.1f} to {(place + 1) / 10:.1f}: {share:.1%}" for place, share in enumerate(now)]
    blocks = "".join(
        f'<rect class="bar" x="{16 * place + 1}" y="{_y(share):.1f}" width="14" height="{_height(share):.1f}">'
        f"<title>{tips[place]}</title></rect>"
        for place, share in enumerate(now)
    )
    return (
        f'<figure class="small"><figcaption><b>{escaped(name)}</b> {escaped(note)}</figcaption>'
        f'<svg viewBox="0 0 160 76" role="img" aria-label="{escaped(name)}, histogram: {"; ".join(tips)}">'
        f"{blocks}{_outline(reference, 'reference')}{_outline(before, 'before')}"
        '<line class="axis" x1="0" x2="160" y1="62.5" y2="62.5"/><text x="0" y="74">0</text>'
        '<text x="160" y="74" text-anchor="end">1</text></svg></figure>'
    )


def _height(share: float) -> float:
    return _HISTOGRAM_HEIGHT * math.sqrt(share)  # a share of one in a hundred stays visible


def _y(share: float) -> float:
    return _HISTOGRAM_HEIGHT + 2 - _height(share)


def _outline(shares: Sequence[float] | None, kind: str) -> str:
    if shares is None:
        return ""
    points = " ".join(
        f"{x},{_y(share):.1f}" for place, share in enumerate(shares) for x in (16 * place, 16 * place + 16)
    )
    return f'<polyline class="{kind}" points="{points}"/>'
