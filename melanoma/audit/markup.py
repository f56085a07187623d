"""The look of an audit's page: no script, no remote address, every name escaped, for phones and dark rooms too."""

import html

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1b1f24; --muted: #57606a; --line: #d5dae0; --card: #f5f7f9;
  --accent: #0a6b78; --other: #b3541e; --bad: #a3261f; --good: #1a6f3c; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --fg: #e7eaee; --muted: #9aa5b1; --line: #343b43;
  --card: #1d2226; --accent: #4fb8c6; --other: #e39a68; --bad: #ef8a80; --good: #7bcf9a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .6rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .3rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .2rem; }
h3 small { color: var(--muted); font-weight: 400; }
p { max-width: 75ch; margin: .3rem 0 .7rem; overflow-wrap: anywhere; }
.muted { color: var(--muted); font-size: .875rem; }
.warning { border-left: 4px solid var(--other); padding: .5rem .8rem; background: var(--card); max-width: none; }
.tiles { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 190px), 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile.bad b { color: var(--bad); } .tile.good b { color: var(--good); }
.tile span { font-weight: 600; font-size: .9rem; }
.tile p { font-size: .85rem; color: var(--muted); margin: .3rem 0 0; }
.scroll { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; width: 100%; }
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


def escaped(text: object) -> str:
    """Gives a text as HTML, whoever wrote it."""
    return html.escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)))


def document(title: str, *parts: str) -> str:
    """Wraps parts, HTML each, as one self-contained page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escaped(title)}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Gives plain text as a paragraph of a CSS class."""
    return f'<p class="{kind}">{escaped(text)}</p>' if kind else f"<p>{escaped(text)}</p>"


def tile(value: str, name: str, text: str, kind: str = "") -> str:
    """Shows one figure large, with its name and a sentence below it."""
    return f'<div class="tile {kind}"><b>{escaped(value)}</b><span>{escaped(name)}</span>{paragraph(text)}</div>'


def table(head: list[str], rows: list[list[str]], numbers: range) -> str:
    """Gives a table of plain texts, some of whose columns are numbers."""

    def row(cells: list[str], tag: str) -> str:
        kinds = [' class="number"' if column in numbers else "" for column in range(len(cells))]
        return "".join(f"<{tag}{kind}>{escaped(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True))

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f'<div class="scroll"><table><thead><tr>{row(head, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def photograph(picture: str | None, label: str, *texts: str) -> str:
    """Shows a small picture, a data URI, above its label and plain texts."""
    frame = f'<img src="{escaped(picture)}" alt="">' if picture else "no picture"
    lines = "".join(f'<div class="id">{escaped(text)}</div>' for text in texts if text)
    return (
        f'<figure><div class="frame">{frame}</div><figcaption><div class="label">{escaped(label)}</div>{lines}'
        "</figcaption></figure>"
    )


def pair(figures: list[str], text: str, clash: bool) -> str:
    """Sets photographs, HTML each, side by side over a plain text; a clash colours their labels."""
    return (
        f'<div class="pair{" clash" if clash else ""}"><div class="two">{"".join(figures)}</div>{paragraph(text)}</div>'
    )
