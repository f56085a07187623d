"""The page of all runs of a score table."""

from collections.abc import Sequence

from melanoma import html_page, storage
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import data_table, escaped, paragraph, section
from melanoma.reporting import charts
from melanoma.reporting.messages import Headline, duration
from melanoma.reporting.model_page import has_page
from melanoma.reporting.page import head
from melanoma.reporting.run_chart import TRIED, RunBar, run_chart
from melanoma.reporting.style import STYLE
from melanoma.reporting.verdict import BAD, GOOD, LOOK, read_verdict
from melanoma.runs.model_names import names_in
from melanoma.runs.records import COMMITTED, SUCCESSFUL
from melanoma.runs.run_history import RunSummary, start_of
from melanoma.table.layout import OutputLayout
from melanoma.table.model_names import ModelNames

_MAX_LISTED, _MAX_DRAWN = 1000, 120
_COUNTED = ("scored", "failed", "skipped", "deferred")
_COLUMNS = ("run", "start, UTC", "outcome", *_COUNTED, "duration", "rate", "drift", "model", "id")
_SHARD_COLUMN = "shard"


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
    listed, names = list(runs[-_MAX_LISTED:]), names_in(runs)
    parts = [
        head(_headline(listed), _reasons(listed)),
        section(
            "Photographs per run",
            run_chart([_bar(run) for run in listed[-_MAX_DRAWN:]]),
            charts.legend({name: name for name in TRIED}),
            paragraph(
                "A dot below a run is orange if there is something to know, red if its exit code is not 0.",
                "muted",
            ),
        ),
        _models(runs, names),
        section("Runs", _table(listed, names)),
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


def _reasons(runs: Sequence[RunSummary]) -> list[str]:
    verdict = read_verdict(runs[-1]["verdict"]) if runs else None
    return [reason.text for reason in verdict.reasons] if verdict else []


def _outcome(run: RunSummary) -> str:
    outcome, counts = _marked(run), run["counts"]
    if run["outcome"] != COMMITTED:
        return outcome
    return f"{outcome}, {counts['scored']:,} scored, {counts['failed']:,} failed"


def _marked(run: RunSummary) -> str:
    """Returns the outcome with what else there is to say, such as `committed, over budget`."""
    verdict = read_verdict(run["verdict"])
    marks = [mark.value for mark in verdict.marks] if verdict else []
    return ", ".join(dict.fromkeys([run["outcome"], *marks])).replace("_", " ")


def _level(run: RunSummary) -> str:
    if (verdict := read_verdict(run["verdict"])) is not None:
        return "" if verdict.level == GOOD else verdict.level
    if run["outcome"] not in SUCCESSFUL:
        return BAD
    return LOOK if run["warnings"] else ""


def _bar(run: RunSummary) -> RunBar:
    scored, failed, deferred = (run["counts"][name] for name in TRIED)
    label = f"{start_of(run)} UTC: {scored:,} scored, {failed:,} failed, {deferred:,} deferred"
    return RunBar(scored, failed, deferred, run["run_date"], label, _level(run))


def _models(runs: Sequence[RunSummary], names: ModelNames) -> str:
    """Returns the section with a link to the page of each model; empty if no run says what its model was."""
    last = {run["model_id"]: run for run in runs if has_page(run["model_id"])}
    rows = [
        (
            f'<a href="{escaped(model_id)}.html">{escaped(names.name(model_id) or model_id)}</a>',
            f"<code>{escaped(model_id)}</code>",
            f"{sum(one['model_id'] == model_id for one in runs):,}",
            f"{sum(one['counts']['scored'] for one in runs if one['model_id'] == model_id):,}",
            start_of(run),
        )
        for model_id, run in sorted(last.items(), key=lambda item: item[1]["run_id"], reverse=True)
    ]
    return section("Models", data_table(("model", "id", "runs", "scored", "last run, UTC"), rows)) if rows else ""


def _table(runs: Sequence[RunSummary], names: ModelNames) -> str:
    rows = [_row(run, names) for run in reversed(runs)]
    if not any(run["shard"] for run in runs):
        return data_table(_COLUMNS, rows)
    shards = [escaped(run["shard"]) for run in reversed(runs)]
    return data_table((*_COLUMNS, _SHARD_COLUMN), [[*row, shard] for row, shard in zip(rows, shards, strict=True)])


def _row(run: RunSummary, names: ModelNames) -> list[str]:
    counts, seconds = run["counts"], run["seconds"]
    tried, level = counts["scored"] + counts["failed"], _level(run)
    outcome = escaped(_marked(run))
    return [
        f'<a href="{escaped(run["run_id"])}.html">{escaped(run["run_date"])}</a>',
        start_of(run).removeprefix(f"{run['run_date']} "),
        f'<span class="{level}">{outcome}</span>' if level else outcome,
        *(f"{counts[name]:,}" for name in _COUNTED),
        duration(seconds),
        f"{tried / seconds:,.0f}/s" if seconds and tried else "",
        "" if run["drift"] is None else f"{run['drift']:.2f}",
        escaped(run["model_name"] or names.name(run["model_id"])),
        f"<code>{escaped(run['model_id'])}</code>",
    ]
