"""What a night's outcome, failures and figures mean to whoever reads the report."""

from collections.abc import Mapping
from typing import Any

from melanoma.errors import ErrorKind
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, STAGES, STOPPED, STORE_DOWN, RunRecord

STAGE_NAMES = dict(
    zip(
        STAGES,
        ("listing and asking the table", "reading", "decoding", "the network", "staging rows", "committing"),
        strict=True,
    )
)
_HEALS = "It is tried again on each of the next three nights, then once a week."
_STAYS = "It is not tried again until the file changes; look at the file."
_ADVICE = {
    ErrorKind.MISSING: "Gone between the listing and the reading, or named by a manifest and not there. " + _HEALS,
    ErrorKind.CHANGED: "Overwritten while the night ran. " + _HEALS,
    ErrorKind.FORBIDDEN: "Mend the rights of the job's account. " + _HEALS,
    ErrorKind.TIMEOUT: "The store was slow. " + _HEALS,
    ErrorKind.STORE_UNAVAILABLE: "The store failed. " + _HEALS,
    ErrorKind.BAD_NAME: "Rename the file so that its name is plain Unicode text.",
    ErrorKind.BAD_OUTPUT: "The network gave no probabilities: tell whoever ships the model.",
}


def advice_on(kind: str) -> str:
    """Says what a kind of failure wants from the operator."""
    return _ADVICE.get(ErrorKind(kind), _STAYS) if kind in set(ErrorKind) else _STAYS


def headline(record: RunRecord, is_over_budget: bool = False) -> tuple[str, str]:
    """Gives the first line that an operator reads.

    Returns:
        `good`, `look` or `bad`, and the sentence.
    """
    counts = record.counts
    if record.outcome == COMMITTED:
        rest = f", {counts.failed:,} failed" if counts.failed else ""
        rest += f", {counts.deferred:,} put off" if counts.deferred else ""
        if is_over_budget:
            return "bad", f"Too many failures: {counts.scored:,} scored{rest}"
        word = "look" if record.warnings or counts.deferred else "good"
        return word, f"{'All well' if word == 'good' else 'Committed'}: {counts.scored:,} photographs scored{rest}"
    if record.outcome == NOTHING_NEW:
        if counts.deferred:
            return "look", f"Nothing was begun in time: {counts.deferred:,} put off to the next night"
        return "good", f"All well: nothing new among {counts.listed:,} photographs"
    if record.outcome == STOPPED and record.reason:
        return "bad", f"The night ended early: nothing was committed. {record.reason}"
    return "bad", {
        STORE_DOWN: "The store gave no photograph: nothing was committed; start again",
        STOPPED: "The night ended early: nothing was committed; the next one goes on from there",
        KILLED: "The night was killed: nothing was committed; the next one goes on from there",
    }.get(record.outcome, record.outcome)


def one_line(record: RunRecord, is_over_budget: bool = False) -> str:
    """Gives a night in one line, for a pager or a chat."""
    counts = record.counts
    if record.outcome not in (COMMITTED, NOTHING_NEW):
        return f"FAILED {headline(record)[1]}"
    word = "OVER BUDGET" if is_over_budget else "OK"
    tried = counts.scored + counts.failed
    kinds = ", ".join(sorted(record.failures, key=lambda kind: -record.failures[kind]))
    parts = [
        f"{tried + counts.deferred:,} new, {counts.scored:,} scored, {counts.failed:,} failed"
        + (f" ({kinds})" if kinds else ""),
        f"{counts.deferred:,} put off" if counts.deferred else "",
        minutes(record.seconds),
        "" if record.table_version is None else f"table v{record.table_version}",
        f"{len(record.warnings)} warnings" if record.warnings else "",
    ]
    return f"{word} " + ", ".join(part for part in parts if part)


def minutes(seconds: float | None) -> str:
    """Gives a length of time for people; nothing where it was not told."""
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def bottleneck(found: Mapping[str, Any]) -> str:
    """Names what a night waited for."""
    stage = found.get("stage")
    if not stage:
        return ""
    if stage == "start-up":
        return "Most of the time went into start-up: loading libraries and the model."
    share = found["shares"].get(stage)
    said = f", {share:.0%} of the time" if share is not None else "; the network waited for it"
    return f"The bottleneck was {STAGE_NAMES[stage]}{said}."
