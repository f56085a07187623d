"""The nights of a score table as a page."""

from collections.abc import Mapping, Sequence

from melanoma import html_page, storage
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import escaped, paragraph, section
from melanoma.reporting import charts, messages
from melanoma.reporting.page import STYLE
from melanoma.runs.records import COMMITTED, NOTHING_NEW, Counts
from melanoma.runs.run_history import RunSummary
from melanoma.table.layout import OutputLayout

_SHOWN, _DRAWN = 1000, 120


def write_index(layout: OutputLayout, nights: Sequence[RunSummary]) -> None:
    """Writes the page that shows all nights.

    Raises:
        NothingCommittedError: The store or the disk does not take it.
    """
    storage.write_bytes(layout.index, page(nights).encode())


def page(nights: Sequence[RunSummary]) -> str:
    """Shows the nights of a table, the newest first."""
    shown = list(nights[-_SHOWN:])
    drawn = [_bar(night) for night in shown[-_DRAWN:]]
    parts = [
        _latest(shown),
        section(
            "Photographs a night",
            charts.series(drawn),
            '<p class="legend"><span><i class="scored"></i>scored</span><span><i class="failed"></i>failed</span>'
            '<span><i class="deferred"></i>put off</span></p>',
            paragraph(
                "A dot below a night: orange for a warning or drift, red for a night that committed nothing.", "muted"
            ),
        ),
        section("Nights", _table(shown)),
        paragraph(f"The last {_SHOWN:,} of {len(nights):,} runs.", "muted") if len(nights) > len(shown) else "",
    ]
    return html_page.document("Nights", parts, STYLE, NO_DIAGNOSIS)


def _latest(nights: Sequence[RunSummary]) -> str:
    if not nights:
        return paragraph("No night has run yet.")
    good = [night for night in nights if night["outcome"] in (COMMITTED, NOTHING_NEW)]
    if good and good[-1] is nights[-1]:
        return f'<p class="head {_kind(nights[-1]) or "good"}" role="status">Last night: {_said(nights[-1])}</p>'
    last = f"; the last good night was {escaped(good[-1]['run_date'])}" if good else ""
    return f'<p class="head bad" role="status">Last night: {_said(nights[-1])}{last}</p>'


def _said(night: RunSummary) -> str:
    counts = Counts(**night["counts"])
    tried = f"{counts.scored:,} scored, {counts.failed:,} failed" if night["outcome"] == COMMITTED else ""
    return escaped(", ".join(part for part in (night["outcome"].replace("_", " "), tried) if part))


def _kind(night: RunSummary) -> str:
    if night["outcome"] not in (COMMITTED, NOTHING_NEW):
        return "bad"
    return "look" if night["warnings"] or (night["drift"] or 0) > 0.2 else ""


def _bar(night: RunSummary) -> Mapping[str, float | str]:
    counts = night["counts"]
    label = (
        f"{night['run_date']}: {counts['scored']:,} scored, {counts['failed']:,} failed, {counts['deferred']:,} put off"
    )
    return {part: counts[part] for part in ("scored", "failed", "deferred")} | {"label": label, "mark": _kind(night)}


def _table(nights: Sequence[RunSummary]) -> str:
    names = ("night", "outcome", "scored", "failed", "skipped", "put off", "took", "rate", "drift", "model")
    rows = "".join(_row(night) for night in reversed(nights))
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(night: RunSummary) -> str:
    counts, seconds = night["counts"], night["seconds"]
    tried = counts["scored"] + counts["failed"]
    drift = "" if night["drift"] is None else f"{night['drift']:.2f}"
    cells = [
        escaped(night["outcome"].replace("_", " ")),
        *(f"{counts[name]:,}" for name in ("scored", "failed", "skipped", "deferred")),
        messages.minutes(seconds),
        f"{tried / seconds:,.0f}/s" if seconds and tried else "",
        drift,
        f"<code>{escaped(night['model_id'])}</code>",
    ]
    kind = _kind(night)
    name = f'<a href="{escaped(night["run_id"])}.html">{escaped(night["run_date"])}</a>'
    first = f"<td>{name}</td><td{html_page.class_of('warn' if kind == 'bad' else kind)}>{cells[0]}</td>"
    return f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>"
