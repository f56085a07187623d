"""The parts of a page that shows metrics: cards, figures, tables and heat maps, all as HTML text."""

from collections.abc import Iterable, Sequence

from melanoma import html_page
from melanoma.disclaimer import NO_CLINICAL_VALIDATION
from melanoma.evaluation.formatting import few_photographs, number
from melanoma.evaluation.report import Report
from melanoma.html_page import class_of, escaped, paragraph

_DARK = 0.55  # share of its row above which a cell needs light text
_STYLE = """
.grid { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--wide, 240px)), 1fr));
  margin: .8rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem .9rem; margin: 0;
  min-width: 0; }
.card .name { font-size: .875rem; font-weight: 600; } .card .value { font-size: 1.9rem; line-height: 1.2;
  font-variant-numeric: tabular-nums; } .card p { font-size: .875rem; margin: .35rem 0 0; color: var(--muted); }
div.card > svg { max-width: 240px; }
.card p.verdict { font-size: 1.6rem; font-weight: 600; color: var(--fg); margin: 0; }
.card p.good { color: var(--good); } .card p.bad { color: var(--bad); }
.card li { font-size: .95rem; margin-bottom: .2rem; }
figure .grid { margin: .4rem 0 0; } figcaption b { color: var(--fg); }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; } thead th { color: var(--muted); }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td small, th small { color: var(--muted); }
td.text { text-align: left; white-space: normal; }
td svg { display: inline-block; vertical-align: middle; width: 150px; height: 16px; margin-right: .5rem; }
.wide th, .wide td { padding: .3rem .35rem; } .wide small { font-size: .7rem; }
.bars { width: 100%; } .bars th:first-child { min-width: 9rem; } .bars svg { width: 128px; }
.bars :nth-child(n + 5) { text-align: left; }
.heat td { text-align: center; border: 1px solid var(--bg); line-height: 1.2;
  background: color-mix(in srgb, var(--accent) var(--share), var(--card)); }
.heat td.dark, .heat td.dark small { color: var(--on-accent); } .heat tbody th { text-align: left; }
.heat thead th { text-align: center; white-space: normal; min-width: 5.2rem; font-size: .72rem; line-height: 1.25; }
.heat th, .heat td { padding: .3rem .2rem; } .names th, .names td { text-align: left; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--muted); font-size: 11px; }
svg .axis { stroke: var(--line); fill: none; } svg .guide { stroke: var(--muted); stroke-dasharray: 4 3; fill: none; }
svg .line { stroke: var(--accent); stroke-width: 1.8; fill: none; } svg .dot { fill: var(--accent); }
svg .other { fill: var(--other); stroke: var(--bg); } svg .reference { stroke: var(--other); stroke-width: 1.6; }
svg .band { stroke: var(--accent); stroke-opacity: .28; stroke-width: 7; } svg .bar { fill: var(--accent);
  fill-opacity: .35; } svg .spread { stroke: var(--accent); stroke-width: 2.4; } details { margin: 1rem 0; }
summary { cursor: pointer; font-weight: 600; }
"""


def document(title: str, parts: Iterable[str]) -> str:
    """Returns a page of parts, HTML each, that ends with the disclaimer."""
    return html_page.document(title, parts, _STYLE, NO_CLINICAL_VALIDATION)


def card(name: str, value: str, picture: str, *texts: str) -> str:
    """Returns a card: one value in large type, with a picture (HTML) and plain texts below it."""
    lines = "".join(paragraph(text) for text in texts)
    head = f'<div class="name">{escaped(name)}</div><div class="value">{escaped(value)}</div>'
    return f'<div class="card">{head}{picture}{lines}</div>'


def figure(picture: str, name: str, text: str) -> str:
    """Returns a picture (HTML) with its name and a plain text as caption."""
    return f'<figure class="card"><figcaption><b>{escaped(name)}</b> {escaped(text)}</figcaption>{picture}</figure>'


def grid(parts: Iterable[str], wide: int = 240) -> str:
    """Lays out parts, HTML each, side by side; each is at least `wide` CSS pixels wide if the screen is."""
    return f'<div class="grid" style="--wide: {wide}px">' + "".join(parts) + "</div>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Returns a table.

    Args:
        head: Plain text per column.
        rows: HTML per cell.
        kind: CSS class of the table.
    """
    names = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    content = f"<thead><tr>{names}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="scroll"><table{class_of(kind)}>{content}</table></div>'


def estimate_cell(estimate: Report | None) -> str:
    """Returns a table cell, HTML, with a metric and its interval below it."""
    if estimate is None:
        return number(None)
    return f"{number(estimate)}<br><small>{estimate['low']:.3f} to {estimate['high']:.3f}</small>"


def heat(corner: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Returns a square table of counts, each cell shaded by its share of its row.

    Args:
        corner: Plain text of the cell at the top left.
        names: Plain text per row and column.
        counts: The counts by row and column; a row of zeros is left out.
    """
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    lines = [
        f'<tr><th scope="row">{escaped(name)}<br><small>n = {sum(row):,}</small></th>'
        + "".join(_shaded(count, count / sum(row)) for count in row)
        + "</tr>"
        for name, row in zip(names, counts, strict=True)
        if sum(row)
    ]
    return (
        f'<div class="scroll"><table class="heat"><thead><tr><th>{escaped(corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _shaded(count: int, share: float) -> str:
    kind = class_of("dark" if share > _DARK else "")
    return f'<td{kind} style="--share: {share:.0%}">{count:,}<br><small>{share:.0%}</small></td>'


def few_photographs_note(metrics: Report) -> str:
    """Returns a warning beside the name of a class with too few photographs or none, as HTML; else an empty text."""
    text = few_photographs(metrics).strip(" ()") if metrics["n"] else "not evaluated"
    return f" <small>{escaped(text)}</small>" if text else ""
