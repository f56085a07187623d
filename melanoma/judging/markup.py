"""One self-contained HTML page: no script, no remote address, every name escaped, for phones and dark rooms too."""

import html
from collections.abc import Iterable, Sequence

from melanoma.texts import printable

NO_DIAGNOSIS = (
    "Figures of a statistical model on photographs. This is no diagnosis and no clinical validation: how it does on "
    "other people, cameras and places is not known from it."
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1b1f24; --muted: #57606a; --line: #d5dae0; --card: #f5f7f9;
  --accent: #0a6b78; --on-accent: #ffffff; --other: #b3541e; --bad: #a3261f; --good: #1a6f3c; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --fg: #e7eaee; --muted: #9aa5b1; --line: #343b43;
  --card: #1d2226; --accent: #4fb8c6; --on-accent: #08181b; --other: #e39a68; --bad: #ef8a80; --good: #7bcf9a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .3rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; }
p, li { max-width: 75ch; margin: .3rem 0 .7rem; overflow-wrap: anywhere; }
.muted, figcaption, .note { color: var(--muted); font-size: .875rem; }
.warning { border-left: 4px solid var(--other); padding: .4rem .8rem; background: var(--card); max-width: none; }
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
.scroll { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; } thead th { color: var(--muted); }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td small, th small { color: var(--muted); }
td.text { text-align: left; white-space: normal; }
td svg { display: inline-block; vertical-align: middle; width: 150px; height: 16px; margin-right: .5rem; }
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


def escaped(text: object) -> str:
    """Gives a text as HTML, whoever wrote it."""
    return html.escape(printable(str(text), keep="\N{NO-BREAK SPACE}"))


def document(title: str, parts: Iterable[str]) -> str:
    """Wraps parts, HTML each, as a page that says at its top that it is no diagnosis."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escaped(title)}</h1>\n"
        + "\n".join(part for part in parts if part)
        + f'\n<p class="note">{escaped(NO_DIAGNOSIS)}</p>\n</main>\n</body>\n</html>\n'
    )


def section(title: str, *parts: str) -> str:
    """Puts parts, HTML each, under a heading."""
    return "\n".join([f"<h2>{escaped(title)}</h2>", *(part for part in parts if part)])


def paragraph(text: str, kind: str = "") -> str:
    """Gives plain text as a paragraph of a CSS class."""
    return f"<p{_class(kind)}>{escaped(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """Gives plain texts as a list."""
    return "<ul>" + "".join(f"<li>{escaped(text)}</li>" for text in texts) + "</ul>"


def card(name: str, value: str, picture: str, *texts: str) -> str:
    """Shows one figure large, with a picture (HTML) and plain texts below it."""
    lines = "".join(paragraph(text) for text in texts)
    return f'<div class="card"><div class="name">{escaped(name)}</div><div class="value">{escaped(value)}</div>' + (
        f"{picture}{lines}</div>"
    )


def figure(picture: str, name: str, text: str) -> str:
    """Shows a picture (HTML) with its name and a plain text."""
    return f'<figure class="card"><figcaption><b>{escaped(name)}</b> {escaped(text)}</figcaption>{picture}</figure>'


def grid(parts: Iterable[str], wide: int = 240) -> str:
    """Lays parts, HTML each, side by side, each at least so many CSS pixels wide where the screen is."""
    return f'<div class="grid" style="--wide: {wide}px">' + "".join(parts) + "</div>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Gives a table of cells that are HTML already, below a head of plain texts, of a CSS class."""
    names = "".join(f'<th scope="col">{escaped(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table{_class(kind)}><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def heat(corner: str, names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Gives a square table of counts, each cell shaded by its share of its row; rows of nothing are left out."""
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    lines = [
        f'<tr><th scope="row">{escaped(name)}<br><small>n = {sum(row):,}</small></th>'
        + "".join(_shaded(count, count / max(sum(row), 1)) for count in row)
        + "</tr>"
        for name, row in zip(names, counts, strict=True)
        if sum(row)
    ]
    return (
        f'<div class="scroll"><table class="heat"><thead><tr><th>{escaped(corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _shaded(count: int, share: float) -> str:
    kind = _class("dark" if share > 0.55 else "")
    return f'<td{kind} style="--share: {share:.0%}">{count:,}<br><small>{share:.0%}</small></td>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
