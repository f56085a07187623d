"""Sections of a report on the work of the run: the accounting, the failures, and where the time went."""

from collections.abc import Mapping
from typing import Any

from melanoma.html_page import data_table, escaped, paragraph, section
from melanoma.ids import is_run_id
from melanoma.reporting import charts, messages
from melanoma.reporting.charts import Bar
from melanoma.reporting.failed_photographs import MAX_LISTED
from melanoma.runs.records import STAGES, RunRecord, Stage

_FAILED_COLUMNS = ("photograph", "error kind", "detail", "attempt")


def accounting(record: RunRecord) -> str:
    """Returns the section that accounts for every listed photograph; empty if none was listed."""
    counts = record.counts
    if not counts.listed:
        return ""
    outcomes = charts.OUTCOMES if record.shard else charts.OUTCOMES[:-1]
    by_outcome = {name: getattr(counts, name) for name in outcomes}
    parts = [f"{count:,} {charts.in_words(name)}" for name, count in by_outcome.items()]
    total = f"{counts.listed:,} listed = {' + '.join(parts)}"
    ignored = sorted(record.ignored.items(), key=lambda item: -item[1])
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in ignored)
    return section(
        "Every photograph accounted for" if counts.add_up else "The counts do not add up",
        charts.accounting(by_outcome, counts.listed),
        paragraph(f"{total}." if counts.add_up else f"{total}: this is a bug in melanoma; please report it."),
        paragraph(f"Other files, ignored and not counted: {kinds}.", "muted") if kinds else "",
    )


def failures(record: RunRecord, content: Mapping[str, Any]) -> str:
    """Returns the section on failed photographs, by error kind with advice; empty if none failed."""
    if not record.failures:
        return ""
    kinds = [
        (escaped(kind), f"{count:,}", escaped(messages.advice_on(kind)))
        for kind, count in sorted(record.failures.items(), key=lambda item: (-item[1], item[0]))
    ]
    return section(
        "What failed",
        data_table(("error kind", "photographs", "what to do"), kinds, sentences={"what to do"}),
        paragraph("What is not retried is tried again once the file is replaced, or with --retry-failed.", "muted"),
        _failed_photographs(record, content),
    )


def _failed_photographs(record: RunRecord, content: Mapping[str, Any]) -> str:
    """Returns the list of the photographs that failed, and the command that lists them all by name."""
    if "table" not in content or not is_run_id(record.run_id):  # the report of an older version
        return paragraph('To list the files: melanoma query TABLE "FROM failures"', "muted")
    rows = [
        (
            f"<code>{escaped(row['photograph'])}</code>",
            escaped(row["kind"]),
            escaped(row["detail"]),
            str(row["attempt"]),
        )
        for row in content["failed"]
    ]
    more = record.counts.failed - MAX_LISTED
    parts = [
        data_table(_FAILED_COLUMNS, rows, sentences={"error kind", "detail"}) if rows else "",
        paragraph(f"and {more:,} more", "muted") if rows and more > 0 else "",
        paragraph("To list all of them by name:", "muted"),
        f"<pre><code>{escaped(messages.failures_command(content['table'], record.run_id))}</code></pre>",
    ]
    return "\n".join(part for part in parts if part)


def stages(record: RunRecord, content: Mapping[str, Any]) -> str:
    """Returns the section on the work of each stage; empty if no photograph was scored or failed."""
    worked = {name: record.stages[name] for name in STAGES if name in record.stages and record.stages[name].seconds}
    tried = record.counts.scored + record.counts.failed
    if not worked or not tried:
        return ""
    most = max(stage.seconds for stage in worked.values())
    rows = [Bar(messages.STAGE_NAMES[name], stage.seconds / most, _rate(name, stage)) for name, stage in worked.items()]
    rate = f"{tried / record.seconds:,.0f} photographs per second, including start-up. " if record.seconds else ""
    note = "Seconds of work, summed over threads and processes; reading and decoding run in parallel with the network."
    return section(
        "Where the time went",
        paragraph(rate + messages.bottleneck_sentence(content.get("bottleneck", {}))),
        charts.bars(rows),
        paragraph(note, "muted"),
    )


def _rate(name: str, stage: Stage) -> str:
    rate = f"{stage.seconds:,.1f} s, {stage.photographs / stage.seconds:,.0f} photographs per second"
    has_bytes = stage.bytes and name == "read"
    return rate + (f", {stage.bytes / stage.seconds / 1e6:,.1f} MB/s" if has_bytes else "")
