"""The nights of a score table as a series, kept in one small file, and as a page."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from melanoma import markup, storage
from melanoma.errors import ReadError
from melanoma.markup import escaped, paragraph, section
from melanoma.reporting import charts, words
from melanoma.reporting.facts import summary_of
from melanoma.reporting.page import STYLE
from melanoma.runs import COMMITTED, NOTHING_NEW, REPORTS, Counts, record_of

SERIES, INDEX = "nights.series", "index.html"
_SHOWN, _DRAWN = 1000, 120
Night = dict[str, Any]


def read_series(output: str) -> list[Night]:
    """Gives what is kept of every run of a score table, the oldest first.

    One small file holds what was known of the earlier runs; only records that it does not know are read.

    Args:
        output: URI of the score table.
    """
    folder = storage.join(storage.canonical(output), REPORTS)
    known = {night["run_id"]: night for night in _kept(folder)}
    nights = []
    for run_id in _recorded(folder):
        night = known.get(run_id) or _night(storage.join(folder, f"{run_id}.json"))
        nights += [night] if night else []
    return nights


def write_series(output: str, nights: Sequence[Night]) -> None:
    """Keeps the series, and the page that shows it.

    Raises:
        NothingCommittedError: The store or the disk does not take them.
    """
    folder = storage.join(storage.canonical(output), REPORTS)
    lines = "".join(f"{json.dumps(night, separators=(',', ':'))}\n" for night in nights)
    storage.write_bytes(storage.join(folder, SERIES), lines.encode())
    storage.write_bytes(storage.join(folder, INDEX), page(nights).encode())


def _recorded(folder: str) -> list[str]:
    if not storage.exists(folder):
        return []
    names = [storage.name_of(stored.uri) for stored in storage.list_files(folder)]
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def _kept(folder: str) -> list[Night]:
    uri = storage.join(folder, SERIES)
    try:
        lines = storage.read_bytes(uri).decode().splitlines() if storage.exists(uri) else []
        return [json.loads(line) for line in lines]
    except (ReadError, ValueError):
        return []  # it is made anew from the records


def _night(uri: str) -> Night | None:
    try:
        document = json.loads(storage.read_bytes(uri))
        return summary_of(record_of(document), document.get("report", {}))
    except (ReadError, ValueError, TypeError, KeyError):
        return None  # not a record of ours


def page(nights: Sequence[Night]) -> str:
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
    return markup.document("Nights", parts, STYLE, words.NO_DIAGNOSIS)


def _latest(nights: Sequence[Night]) -> str:
    if not nights:
        return paragraph("No night has run yet.")
    good = [night for night in nights if night["outcome"] in (COMMITTED, NOTHING_NEW)]
    if good and good[-1] is nights[-1]:
        return f'<p class="head {_kind(nights[-1]) or "good"}" role="status">Last night: {_said(nights[-1])}</p>'
    last = f"; the last good night was {escaped(good[-1]['run_date'])}" if good else ""
    return f'<p class="head bad" role="status">Last night: {_said(nights[-1])}{last}</p>'


def _said(night: Night) -> str:
    counts = Counts(**night["counts"])
    tried = f"{counts.scored:,} scored, {counts.failed:,} failed" if night["outcome"] == COMMITTED else ""
    return escaped(", ".join(part for part in (night["outcome"].replace("_", " "), tried) if part))


def _kind(night: Night) -> str:
    if night["outcome"] not in (COMMITTED, NOTHING_NEW):
        return "bad"
    return "look" if night["warnings"] or (night["drift"] or 0) > 0.2 else ""


def _bar(night: Night) -> Mapping[str, float | str]:
    counts = night["counts"]
    label = (
        f"{night['run_date']}: {counts['scored']:,} scored, {counts['failed']:,} failed, {counts['deferred']:,} put off"
    )
    return {part: counts[part] for part in ("scored", "failed", "deferred")} | {"label": label, "mark": _kind(night)}


def _table(nights: Sequence[Night]) -> str:
    names = ("night", "outcome", "scored", "failed", "skipped", "put off", "took", "rate", "drift", "model")
    rows = "".join(_row(night) for night in reversed(nights))
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(night: Night) -> str:
    counts, seconds = night["counts"], night["seconds"]
    tried = counts["scored"] + counts["failed"]
    drift = "" if night["drift"] is None else f"{night['drift']:.2f}"
    cells = [
        escaped(night["outcome"].replace("_", " ")),
        *(f"{counts[name]:,}" for name in ("scored", "failed", "skipped", "deferred")),
        words.minutes(seconds),
        f"{tried / seconds:,.0f}/s" if seconds and tried else "",
        drift,
        f"<code>{escaped(night['model_id'])}</code>",
    ]
    kind = _kind(night)
    name = f'<a href="{escaped(night["run_id"])}.html">{escaped(night["run_date"])}</a>'
    first = f"<td>{name}</td><td{markup.class_of('warn' if kind == 'bad' else kind)}>{cells[0]}</td>"
    return f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>"
