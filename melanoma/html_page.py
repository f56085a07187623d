"""Builds self-contained HTML pages: no scripts, no remote content, all text escaped, light and dark."""

import html
from collections.abc import Collection, Iterable, Mapping, Sequence

from melanoma.terminal import printable

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1b1f24; --muted: #57606a; --line: #d5dae0; --card: #f5f7f9;
  --accent: #0a6b78; --on-accent: #ffffff; --other: #b3541e; --bad: #a3261f; --good: #1a6f3c; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --fg: #e7eaee; --muted: #9aa5b1; --line: #343b43;
  --card: #1d2226; --accent: #4fb8c6; --on-accent: #08181b; --other: #e39a68; --bad: #ef8a80; --good: #7bcf9a; } }
@media print { :root { --bg: #ffffff; --fg: #1b1f24; --muted: #57606a; --line: #d5dae0; --card: #f5f7f9;
  --accent: #0a6b78; --on-accent: #ffffff; --other: #b3541e; --bad: #a3261f; --good: #1a6f3c; }
  body { print-color-adjust: exact; } figure, tr { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .3rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .2rem; }
p, li { max-width: 75ch; margin: .3rem 0 .7rem; overflow-wrap: anywhere; }
.muted, figcaption, .note { color: var(--muted); font-size: .875rem; }
.warning { border-left: 4px solid var(--other); padding: .4rem .8rem; background: var(--card); max-width: none; }
.scroll { overflow-x: auto; margin: .6rem 0; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .7rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .6rem 0; } summary { cursor: pointer; }
@media print { details::details-content { content-visibility: visible; display: block; } }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
@media (max-width: 600px) {
  .cards thead { display: none; } .cards table, .cards tbody { display: block; }
  .cards tr { display: flex; flex-wrap: wrap; gap: .1rem 1rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .cards td { display: flex; gap: .4em; border: 0; padding: 0; text-align: left; white-space: normal; min-width: 0; }
  .cards td.text { flex-basis: 100%; min-width: 0; } .cards td:first-child { flex-basis: 100%; font-weight: 600; }
  .cards td:not(:first-child)::before { content: attr(data-name); color: var(--muted); }
  .cards td:empty { display: none; } }
"""


def escaped(text: object) -> str:
    """Escapes plain text from any source for HTML."""
    return html.escape(printable(str(text), keep="\N{NO-BREAK SPACE}"))


def document(title: str, parts: Iterable[str], style: str = "", note: str = "") -> str:
    """Returns a whole page.

    Args:
        title: Plain text.
        parts: Pieces of HTML; empty ones are left out.
        style: CSS for these parts.
        note: Plain text at the end of the page.
    """
    end = f'\n<p class="note">{escaped(note)}</p>' if note else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escaped(title)}</h1>\n"
        + "\n".join(part for part in parts if part)
        + f"{end}\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Returns pieces of HTML under a heading; empty ones are left out."""
    return "\n".join([f"<h2>{escaped(title)}</h2>", *(part for part in parts if part)])


def data_table(names: Sequence[str], rows: Iterable[Sequence[str]], sentences: Collection[str] = ()) -> str:
    """Returns a table; where the page is narrow, each row becomes a card with the names beside the values.

    Args:
        names: Heading of each column, plain text.
        rows: Cells of each row, pieces of HTML.
        sentences: Names of the columns whose cells hold sentences, which may break into lines.
    """
    kinds = ["text" if name in sentences else "" for name in names]
    head = "".join(
        f'<th{class_of(kind)} scope="col">{escaped(name)}</th>' for name, kind in zip(names, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td{class_of(kind)} data-name="{escaped(name)}">{cell}</td>'
            for cell, kind, name in zip(row, kinds, names, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="cards"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def paragraph(text: str, kind: str = "") -> str:
    """Returns plain text as a paragraph, with a CSS class if one is given."""
    return f"<p{class_of(kind)}>{escaped(text)}</p>"


def facts(entries: Mapping[str, str]) -> str:
    """Returns plain texts with their names as a list; empty texts are left out."""
    rows = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>" for name, text in entries.items() if text)
    return f'<dl class="facts">{rows}</dl>'


def details(title: str, *parts: str) -> str:
    """Returns pieces of HTML that are hidden until the reader opens them by their title."""
    return f"<details><summary>{escaped(title)}</summary>{''.join(parts)}</details>"


def bullets(texts: Iterable[str]) -> str:
    """Returns plain texts as a bulleted list."""
    return "<ul>" + "".join(f"<li>{escaped(text)}</li>" for text in texts) + "</ul>"


def class_of(kind: str) -> str:
    """Returns the class attribute for a tag, or `""` without a class."""
    return f' class="{kind}"' if kind else ""
