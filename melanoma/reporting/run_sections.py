"""Sections of a report on the work of the run: the accounting, the failures, and where the time went."""

from collections.abc import Mapping
from typing import Any

from melanoma.html_page import escaped, paragraph, section
from melanoma.reporting import charts, messages
from melanoma.reporting.charts import Bar
from melanoma.runs.records import STAGES, RunRecord, Stage


def accounting(record: RunRecord) -> str:
    """Returns the section that accounts for every listed photograph; empty if none was listed."""
    counts = record.counts
    if not counts.listed:
        return ""
    by_outcome = {name: getattr(counts, name) for name in charts.OUTCOMES}
    total = f"{counts.listed:,} listed = " + " + ".join(f"{count:,} {name}" for name, count in by_outcome.items())
    ignored = sorted(record.ignored.items(), key=lambda item: -item[1])
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in ignored)
    return section(
        "Every photograph accounted for" if counts.add_up else "The counts do not add up",
        charts.accounting(by_outcome, counts.listed),
        paragraph(f"{total}." if counts.add_up else f"{total}: this is a bug in melanoma; please report it."),
        paragraph(f"Other files, ignored and not counted: {kinds}.", "muted") if kinds else "",
    )


def failures(record: RunRecord) -> str:
    """Returns the section on failed photographs, by error kind with advice; empty if none failed."""
    if not record.failures:
        return ""
    rows = "".join(
        f'<tr><td>{escaped(kind)}</td><td>{count:,}</td><td class="text">{escaped(messages.advice_on(kind))}</td></tr>'
        for kind, count in sorted(record.failures.items(), key=lambda item: (-item[1], item[0]))
    )
    head = "<thead><tr><th>error kind</th><th>photographs</th><th>what to do</th></tr></thead>"
    table = f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>'
    return section(
        "What failed",
        table,
        paragraph("What is not retried is tried again once the file is replaced, or with --retry-failed.", "muted"),
        paragraph('To list the files: melanoma query TABLE "FROM failures"', "muted"),
    )


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
