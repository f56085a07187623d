"""The summary that a run prints at its end."""

import shlex
from collections.abc import Mapping

from jobs.console.wording import per_second
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.reporting.messages import duration, failures_command
from melanoma.reporting.verdict import Event, ReportedRun
from melanoma.runs.records import COMMITTED, NOTHING_NEW, STORE_DOWN, RunRecord
from melanoma.runs.run import ModelRun
from melanoma.table.model_names import shown
from melanoma.wording import counted

_OUTCOMES = {
    COMMITTED: "committed",
    NOTHING_NEW: "nothing new, nothing committed",
    STORE_DOWN: "the store returned no photographs, nothing committed",
}
_MAX_LICENCE = 300


def summary(model: ModelRun, run: ReportedRun, seconds: float) -> str:
    """Returns the summary of one model's run, its counts first.

    Args:
        model: The model.
        run: Its run.
        seconds: Duration so far, more than 0.
    """
    record = run.record
    counts = record.counts
    tried = counts.scored + counts.failed
    table = f"{model.run.layout.root}" + (f", version {record.table_version}" if record.table_version else "")
    parts = {
        "counts": _equation(record),
        "rate": f"{per_second(tried / seconds)}, start-up included" if tried else "",
        "resumed": f"{counted(record.adopted, 'row')} that an earlier run had staged" if record.adopted else "",
        "deferred": f"{counts.deferred:,} left for the next run, which starts with them" if counts.deferred else "",
        "ignored": _by_frequency(record.ignored),
        "failed": _by_frequency(record.failures),
        "list them": failures_command(_table(model, run), record.run_id) if record.failures else "",
        "classes": _by_frequency(record.classes),
        "table": table,
        "report": model.run.layout.report(record.run_id),
        "profile": model.run.layout.report(record.run_id, "profile") if record.timeline is not None else "",
        "model": shown(record.model_id, record.model_name),
        "engine": record.engine,
        "licence": _shortened(model.bundle.files["LICENSE"].decode("utf-8", "replace")),
        "next": _next(model, run),
    }
    lines = [f"  {name:<9} {text}" for name, text in parts.items() if text]
    marks = [mark for mark in run.verdict.marks if mark in (Event.OVER_BUDGET, Event.DRIFT)]
    outcome = ", ".join([_outcome(record), *(mark.replace("_", " ") for mark in marks)])
    shard = f" of shard {record.shard}" if record.shard else ""
    heading = f"Run {record.run_id}{shard} finished in {duration(seconds)}: {outcome}"
    return "\n".join([heading, *lines, f"  {NO_DIAGNOSIS}"])


def _table(model: ModelRun, run: ReportedRun) -> str:
    """Returns the table's address, as a command takes it from any folder."""
    return str(run.content.get("table", model.run.layout.root))


def _next(model: ModelRun, run: ReportedRun) -> str:
    """Returns what to do next."""
    if run.record.outcome == STORE_DOWN:
        return "check the store of the photographs, and start the run again"
    if run.verdict.exit_code:
        return "open the report: it shows what has to be looked at; the rows are in the table"
    if run.record.outcome == COMMITTED:
        return f'open the report, or query the table: melanoma query {shlex.quote(_table(model, run))} "FROM latest"'
    return ""


def _outcome(record: RunRecord) -> str:
    if record.outcome == NOTHING_NEW and record.counts.deferred:
        return "out of time, nothing committed"
    return _OUTCOMES[record.outcome]


def _equation(record: RunRecord) -> str:
    counts = record.counts
    of_others = f" + {counts.other_shard:,} of other shards" if record.shard else ""
    return (
        f"{counts.listed:,} listed = {counts.scored:,} scored + {counts.failed:,} failed + {counts.skipped:,} skipped"
        f" + {counts.duplicates:,} duplicates + {counts.deferred:,} deferred{of_others}"
    )


def _by_frequency(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def _shortened(text: str) -> str:
    """Returns text on one line, cut at a word."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_LICENCE else line[:_MAX_LICENCE].rsplit(" ", 1)[0] + " …"
