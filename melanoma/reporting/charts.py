"""Pictures of a night as inline SVG, coloured by the page."""

import math
from collections.abc import Mapping, Sequence

from melanoma.html_page import escaped

PARTS = ("scored", "failed", "skipped", "duplicates", "deferred")


def accounting(parts: Mapping[str, int], listed: int) -> str:
    """Draws one bar whose parts make up what was listed; a part too thin to see is still drawn."""
    shown = [(name, parts[name]) for name in PARTS if parts.get(name)]
    if not listed or not shown:
        return ""
    free = 1000 - 6 * len(shown)
    x, marks = 0.0, []
    for name, count in shown:
        width = 6 + free * count / listed
        marks.append(
            f'<rect class="{name}" x="{x:.1f}" y="0" width="{max(width - 2, 2):.1f}" height="26" rx="3">'
            f"<title>{count:,} {name}</title></rect>"
        )
        x += width
    legend = "".join(f'<span><i class="{name}"></i>{count:,} {name}</span>' for name, count in shown)
    return (
        f'<svg class="accounting" viewBox="0 0 1000 26" preserveAspectRatio="none" role="img" aria-label="{listed:,} '
        f'listed">{"".join(marks)}</svg><p class="legend">{legend}</p>'
    )


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Draws labelled bars: a name, a length from 0 to 1, and what to write behind it."""
    cells = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td><svg viewBox="0 0 200 14" preserveAspectRatio="none">'
        f'<rect class="bar" width="{max(200 * share, 0.8):.1f}" height="14" rx="2"/></svg></td>'
        f"<td>{escaped(text)}</td></tr>"
        for name, share, text in rows
    )
    return f'<div class="scroll"><table class="bars">{cells}</table></div>'


def mix(rows: Sequence[tuple[str, float, float | None, float | None]]) -> str:
    """Draws shares of classes: tonight as a bar, earlier nights and the reference as marks across it."""
    most = max((value or 0.0 for _, *values in rows for value in values), default=1.0) or 1.0

    def mark(value: float | None, kind: str) -> str:
        if value is None:
            return ""
        x = 198 * value / most + 1
        return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="16"/>'

    cells = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td><svg viewBox="0 0 200 16" preserveAspectRatio="none">'
        f'<rect class="bar" y="3" width="{max(198 * now / most, 0.8):.1f}" height="10" rx="2"/>'
        f"{mark(before, 'before')}{mark(reference, 'reference')}</svg></td><td>{now:.1%}</td>"
        f"<td>{_percent(before)}</td><td>{_percent(reference)}</td></tr>"
        for name, now, before, reference in rows
    )
    head = (
        '<thead><tr><th>class</th><th></th><th>tonight</th><th><i class="before"></i>earlier</th>'
        '<th><i class="reference"></i>reference</th></tr></thead>'
    )
    return f'<div class="scroll"><table class="bars">{head}<tbody>{cells}</tbody></table></div>'


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def histogram(
    name: str, now: Sequence[float], before: Sequence[float] | None, reference: Sequence[float] | None, note: str
) -> str:
    """Draws a histogram of ten bins from 0 to 1 on a square-root scale, with two outlines to compare it with."""

    def height(share: float) -> float:
        return 60 * math.sqrt(share)  # so that a share of one in a hundred is still seen

    blocks = "".join(
        f'<rect class="bar" x="{16 * place + 1}" y="{62 - height(share):.1f}" width="14" height="{height(share):.1f}">'
        f"<title>{place / 10:.1f} to {(place + 1) / 10:.1f}: {share:.1%}</title></rect>"
        for place, share in enumerate(now)
    )

    def outline(shares: Sequence[float] | None, kind: str) -> str:
        if shares is None:
            return ""
        points = " ".join(
            f"{x},{62 - height(share):.1f}" for place, share in enumerate(shares) for x in (16 * place, 16 * place + 16)
        )
        return f'<polyline class="{kind}" points="{points}"/>'

    return (
        f'<figure class="small"><figcaption><b>{escaped(name)}</b> {escaped(note)}</figcaption>'
        f'<svg viewBox="0 0 160 76">{blocks}{outline(reference, "reference")}{outline(before, "before")}'
        '<line class="axis" x1="0" x2="160" y1="62.5" y2="62.5"/><text x="0" y="74">0</text>'
        '<text x="160" y="74" text-anchor="end">1</text></svg></figure>'
    )


def series(nights: Sequence[Mapping[str, float | str]], height: int = 110) -> str:
    """Draws nights, the oldest first, as stacked bars of what was scored, failed and put off.

    Args:
        nights: With the keys scored, failed, deferred, `label` and `mark` (a CSS class, empty for none).
        height: Of the bars, in the picture's units.
    """
    if not nights:
        return ""
    most = max(sum(float(night[part]) for part in ("scored", "failed", "deferred")) for night in nights) or 1.0
    step = 900 / max(len(nights), 12)
    marks = []
    for place, night in enumerate(nights):
        x, y = 60 + step * place, float(height)
        for part in ("scored", "failed", "deferred"):
            tall = height * float(night[part]) / most
            y -= tall
            if tall:
                place_and_size = f'x="{x:.1f}" y="{y:.1f}" width="{0.8 * step:.1f}" height="{max(tall, 1):.1f}"'
                marks.append(f'<rect class="{part}" {place_and_size}/>')
        if night["mark"]:
            marks.append(f'<circle class="{night["mark"]}" cx="{x + 0.4 * step:.1f}" cy="{height + 10}" r="4"/>')
        marks.append(
            f'<rect class="hit" x="{x:.1f}" y="0" width="{step:.1f}" height="{height + 16}"><title>'
            f"{escaped(night['label'])}</title></rect>"
        )
    ends = (
        f'<text x="60" y="{height + 30}">{escaped(nights[0]["label"]).split(":")[0]}</text>'
        f'<text x="960" y="{height + 30}" text-anchor="end">{escaped(nights[-1]["label"]).split(":")[0]}</text>'
        if len(nights) > 1
        else f'<text x="60" y="{height + 30}">{escaped(nights[0]["label"]).split(":")[0]}</text>'
    )
    return (
        f'<div class="scroll"><svg class="series" viewBox="0 0 970 {height + 36}"><line class="axis" x1="56" x2="960" '
        f'y1="{height}.5" y2="{height}.5"/><text x="50" y="12" text-anchor="end">{most:,.0f}</text>'
        f'<text x="50" y="{height}" text-anchor="end">0</text>{"".join(marks)}{ends}</svg></div>'
    )
