"""Draws one row of the score table, explained, as docs/images/row.svg. Usage: `python benchmarks/row_picture.py`.

The row has the scores of `bundles/ham10000-lite0-taught` for a photograph that `melanoma samples` drew.
"""

import html
from pathlib import Path

TARGET = Path(__file__).parents[1] / "docs" / "images" / "row.svg"
GROUPS = (
    (
        "Which photograph",
        "Its name, its location, and the version that was read.",
        (
            ("image_id", "phantom-0012"),
            ("image_uri", "file:///archive/2026-clinic-c/phantom-0012.png"),
            ("image_version", "1795823255.0158184-1054776"),
            ("width, height", "1024, 768"),
            ("image_sha256", "c0d5da674ccf…"),
        ),
    ),
    (
        "Which run",
        "One row for each photograph, version, model and attempt.",
        (
            ("run_date", "2026-11-27"),
            ("run_id", "20261127T234816Z-1f90de12"),
            ("scored_at", "2026-11-27 23:48:49 UTC"),
            ("model_id", "m-b5ff6dd4ad14"),
            ("attempt", "1"),
        ),
    ),
    (
        "What came out",
        "top_label follows the bundle's rule, which favours rarer classes.",
        (
            ("status", "scored"),
            ("top_label", "dermatofibroma"),
            ("top_probability", "0.220"),
            ("p_dermatofibroma", "0.220"),
            ("p_nevus", "0.541"),
            ("p_melanoma", "0.063"),
            ("p_… (four more)", "0.003 to 0.095"),
        ),
    ),
    (
        "How far to trust it",
        "The flag errs on the safe side; the rest says when a person should look first.",
        (
            ("flag_melanoma", "true"),
            ("review", "false"),
            ("review_reason", "null"),
            ("ood_score", "0.441"),
        ),
    ),
    (
        "What failed",
        "Null here; a failed row has these, and no probabilities.",
        (("error_kind", "null"), ("error", "null")),
    ),
)
STYLE = """
text { font: 14px system-ui, "Segoe UI", Roboto, sans-serif; fill: #1b1f24; } .name { fill: #57606a; }
.title { font-weight: 600; font-size: 16px; } .note { fill: #57606a; font-size: 13px; }
.value { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
rect { fill: #f5f7f9; stroke: #d5dae0; } .edge { fill: #0a6b78; stroke: none; } .page { fill: #ffffff; stroke: none; }
@media (prefers-color-scheme: dark) { text { fill: #e7eaee; } .name, .note { fill: #9aa5b1; } .page { fill: #14171a; }
  rect { fill: #1d2226; stroke: #343b43; } .edge { fill: #4fb8c6; } }
"""
WIDTH, LINE, HEAD, GAP = 760, 21, 58, 12


def draw() -> str:
    """Returns the picture as SVG."""
    y, parts = GAP, []
    for title, note, rows in GROUPS:
        height = HEAD + LINE * len(rows) + 6
        parts.append(f'<rect x="10" y="{y}" width="{WIDTH - 20}" height="{height}" rx="6"/>')
        parts.append(f'<rect class="edge" x="10" y="{y}" width="5" height="{height}"/>')
        parts.append(f'<text class="title" x="30" y="{y + 24}">{html.escape(title)}</text>')
        parts.append(f'<text class="note" x="30" y="{y + 43}">{html.escape(note)}</text>')
        for place, (name, value) in enumerate(rows):
            line = y + HEAD + LINE * place + 8
            parts.append(f'<text class="name" x="30" y="{line}">{html.escape(name)}</text>')
            parts.append(f'<text class="value" x="200" y="{line}">{html.escape(value)}</text>')
        y += height + GAP
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    label = 'role="img" aria-label="One row of the score table, its columns in five groups"'
    page = f'<rect class="page" width="{WIDTH}" height="{y}"/>'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>\n<style>{STYLE}</style>\n{page}\n{body}\n</svg>\n'


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
