"""Parts of an audit's page: tiles, tables, and photographs side by side."""

from melanoma import html_page
from melanoma.html_page import class_of, escaped, paragraph

__all__ = ["document", "escaped", "pair", "paragraph", "photograph", "table", "tile"]

_STYLE = """
h3 small { color: var(--muted); font-weight: 400; }
.tiles { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 190px), 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile.bad b { color: var(--bad); } .tile.good b { color: var(--good); }
.tile span { font-weight: 600; font-size: .9rem; }
.tile p { font-size: .85rem; color: var(--muted); margin: .3rem 0 0; }
table { width: 100%; }
th, td { padding: .32rem .7rem .32rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--muted); font-weight: 600; } .number { text-align: right; white-space: nowrap; }
.pairs { display: grid; gap: .8rem; margin: .7rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); }
.pair { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .7rem; }
.pair > p { margin: .5rem 0 0; font-size: .82rem; color: var(--muted); }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
figure { margin: 0; min-width: 0; } figcaption { font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere; }
.frame { height: 132px; display: flex; align-items: center; justify-content: center;
  margin-bottom: .4rem; color: var(--muted); font-size: .8rem; overflow: hidden; }
.frame img { max-width: 100%; max-height: 132px; display: block; }
.label { font-weight: 600; } .clash .label { color: var(--bad); } .id { color: var(--muted); }
"""


def document(title: str, *parts: str) -> str:
    """Returns one self-contained page.

    Args:
        title: Plain text.
        parts: HTML of each part.
    """
    return html_page.document(title, parts, _STYLE)


def tile(value: str, name: str, text: str, kind: str = "") -> str:
    """Returns a large figure with its name and a sentence below it.

    Args:
        value: The figure, plain text.
        name: Plain text.
        text: Plain text.
        kind: CSS class: `good`, `bad` or none.
    """
    return f'<div class="tile {kind}"><b>{escaped(value)}</b><span>{escaped(name)}</span>{paragraph(text)}</div>'


def table(head: list[str], rows: list[list[str]], numbers: range) -> str:
    """Returns a table of plain texts.

    Args:
        head: Name of each column.
        rows: Cells of each row.
        numbers: Columns that are aligned as numbers.
    """
    body = "".join(_row(cells, "td", numbers) for cells in rows)
    return f'<div class="scroll"><table><thead>{_row(head, "th", numbers)}</thead><tbody>{body}</tbody></table></div>'


def _row(cells: list[str], tag: str, numbers: range) -> str:
    kinds = [class_of("number" if column in numbers else "") for column in range(len(cells))]
    inner = "".join(f"<{tag}{kind}>{escaped(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))
    return f"<tr>{inner}</tr>"


def photograph(thumbnail: str | None, label: str, *texts: str) -> str:
    """Returns a small copy of a photograph above its label and further texts.

    Args:
        thumbnail: Data URI; None if the file is unreadable.
        label: Plain text.
        texts: Plain texts; empty ones are left out.
    """
    frame = f'<img src="{escaped(thumbnail)}" alt="">' if thumbnail else "unreadable"
    lines = "".join(f'<div class="id">{escaped(text)}</div>' for text in texts if text)
    return (
        f'<figure><div class="frame">{frame}</div><figcaption><div class="label">{escaped(label)}</div>{lines}'
        "</figcaption></figure>"
    )


def pair(figures: list[str], text: str, has_conflict: bool) -> str:
    """Returns photographs side by side.

    Args:
        figures: HTML of each photograph, from `photograph`.
        text: Plain text below them.
        has_conflict: Whether to colour their labels, which cannot both be right.
    """
    kind = "pair clash" if has_conflict else "pair"
    return f'<div class="{kind}"><div class="two">{"".join(figures)}</div>{paragraph(text)}</div>'
