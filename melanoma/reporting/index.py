"""The page of all runs of a score table."""

from collections.abc import Sequence

from melanoma import html_page, storage
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import escaped, paragraph, section
from melanoma.model.reference_distribution import WARNING_LIMIT
from melanoma.reporting import charts
from melanoma.reporting.messages import BAD, GOOD, LOOK, Headline, duration
from melanoma.reporting.page import head
from melanoma.reporting.run_chart import TRIED, RunBar, run_chart
from melanoma.reporting.style import STYLE
from melanoma.runs.records import COMMITTED, SUCCESSFUL
from melanoma.runs.run_history import RunSummary
from melanoma.table.layout import OutputLayout

_MAX_LISTED, _MAX_DRAWN = 1000, 120
_COLUMNS = ("run", "outcome", "scored", "failed", "skipped", "deferred", "duration", "rate", "drift", "model")


def write_index(layout: OutputLayout, runs: Sequence[RunSummary]) -> None:
    """Writes the page of all runs.

    Args:
        layout: Layout of the output folder.
        runs: All runs, oldest first.

    Raises:
        NothingCommittedError: The page cannot be written.
    """
    storage.write_bytes(layout.index, index_page(runs).encode())


def index_page(runs: Sequence[RunSummary]) -> str:
    """Returns the page of all runs, the newest run at the top.

    Args:
        runs: All runs, oldest first.
    """
    listed = list(runs[-_MAX_LISTED:])
    parts = [
        head(_headline(listed)),
        section(
            "Photographs per run",
            run_chart([_bar(run) for run in listed[-_MAX_DRAWN:]]),
            charts.legend({name: name for name in TRIED}),
            paragraph("A dot below a run is orange for warnings or drift, and red if nothing was committed.", "muted"),
        ),
        section("Runs", _table(listed)),
        paragraph(f"The last {_MAX_LISTED:,} of {len(runs):,} runs.", "muted") if len(runs) > len(listed) else "",
    ]
    return html_page.document("Nightly runs", parts, STYLE, NO_DIAGNOSIS)


def _headline(runs: Sequence[RunSummary]) -> Headline:
    if not runs:
        return Headline("", "No runs yet.")
    last = runs[-1]
    if last["outcome"] in SUCCESSFUL:
        return Headline(_level(last) or GOOD, f"Last run: {_outcome(last)}")
    dates = [run["run_date"] for run in runs if run["outcome"] in SUCCESSFUL]
    success = f"; the last successful run was on {dates[-1]}" if dates else ""
    return Headline(BAD, f"Last run: {_outcome(last)}{success}")


def _outcome(run: RunSummary) -> str:
    outcome, counts = run["outcome"].replace("_", " "), run["counts"]
    if run["outcome"] != COMMITTED:
        return outcome
    return f"{outcome}, {counts['scored']:,} scored, {counts['failed']:,} failed"


def _level(run: RunSummary) -> str:
    if run["outcome"] not in SUCCESSFUL:
        return BAD
    return LOOK if run["warnings"] or (run["drift"] or 0) > WARNING_LIMIT else ""


def _bar(run: RunSummary) -> RunBar:
    scored, failed, deferred = (run["counts"][name] for name in TRIED)
    label = f"{run['run_date']}: {scored:,} scored, {failed:,} failed, {deferred:,} deferred"
    return RunBar(scored, failed, deferred, run["run_date"], label, _level(run))


def _table(runs: Sequence[RunSummary]) -> str:
    rows = "".join(_row(run) for run in reversed(runs))
    names = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(run: RunSummary) -> str:
    counts, seconds = run["counts"], run["seconds"]
    tried = counts["scored"] + counts["failed"]
    level = _level(run)
    cells = [
        *(f"{counts[name]:,}" for name in ("scored", "failed", "skipped", "deferred")),
        duration(seconds),
        f"{tried / seconds:,.0f}/s" if seconds and tried else "",
        "" if run["drift"] is None else f"{run['drift']:.2f}",
        f"{escaped(run['model_name'])} <code>{escaped(run['model_id'])}</code>",
    ]
    link = f'<a href="{escaped(run["run_id"])}.html">{escaped(run["run_date"])}</a>'
    outcome = escaped(run["outcome"].replace("_", " "))
    first = f"<td>{link}</td><td{html_page.class_of('warn' if level == BAD else level)}>{outcome}</td>"
    return f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
