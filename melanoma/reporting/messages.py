"""Sentences for the operator: the outcome of a run, what to do about failures, and what the run waited for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from melanoma.errors import ErrorKind
from melanoma.reporting.bottleneck import START_UP
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, STAGES, STOPPED, STORE_DOWN, RunRecord
from melanoma.runs.retry_policy import DAILY_RETRIES, DAYS_LATER

GOOD, LOOK, BAD = "good", "look", "bad"
STAGE_NAMES = dict(
    zip(
        STAGES,
        ("listing and ledger lookup", "reading", "decoding", "the network", "staging rows", "committing"),
        strict=True,
    )
)
_RETRIED = f"Retried daily for {DAILY_RETRIES} days, then every {DAYS_LATER} days."
_NOT_RETRIED = "Not retried until the file is replaced."
_ADVICE = {
    ErrorKind.MISSING: "Deleted between listing and reading, or named by a manifest but not in the store.",
    ErrorKind.CHANGED: "Overwritten during the run.",
    ErrorKind.FORBIDDEN: "Fix the permissions of the account that runs the job.",
    ErrorKind.TIMEOUT: "The store was slow.",
    ErrorKind.STORE_UNAVAILABLE: "The store failed.",
    ErrorKind.BAD_NAME: "Rename the file so that its name is plain Unicode text, or correct the manifest.",
    ErrorKind.BAD_OUTPUT: "The network returned no valid probabilities: contact the supplier of the model.",
}


class Headline(NamedTuple):
    """The first line of a report.

    Attributes:
        level: `good`, `look` or `bad`.
        text: The sentence.
    """

    level: str
    text: str


def advice_on(kind: str) -> str:
    """Returns what the operator should know and do about an error kind."""
    if kind not in set(ErrorKind):
        return _NOT_RETRIED
    known = ErrorKind(kind)
    if known.may_heal:
        return f"{_ADVICE[known]} {_RETRIED}"
    return _ADVICE.get(known, _NOT_RETRIED)


def headline(record: RunRecord, is_over_budget: bool = False) -> Headline:
    """Returns the first line that the operator reads.

    Args:
        record: Record of the run.
        is_over_budget: Whether more photographs failed than the operator allows.
    """
    if record.outcome == COMMITTED:
        return _of_committed(record, is_over_budget)
    counts = record.counts
    if record.outcome == NOTHING_NEW:
        if counts.deferred:
            return Headline(LOOK, f"Out of time: {counts.deferred:,} photographs deferred to the next run")
        return Headline(GOOD, f"OK: nothing new among {counts.listed:,} photographs")
    if record.outcome == STOPPED and record.reason:
        return Headline(BAD, f"The run ended early and committed nothing: {record.reason}")
    sentences = {
        STORE_DOWN: "The store returned no photographs, so nothing was committed; start the run again",
        STOPPED: "The run ended early and committed nothing; the next run resumes it",
        KILLED: "The run was killed and committed nothing; the next run resumes it",
    }
    return Headline(BAD, sentences.get(record.outcome, record.outcome))


def _of_committed(record: RunRecord, is_over_budget: bool) -> Headline:
    counts = record.counts
    numbers = f"{counts.scored:,} photographs scored"
    numbers += f", {counts.failed:,} failed" if counts.failed else ""
    numbers += f", {counts.deferred:,} deferred" if counts.deferred else ""
    if is_over_budget:
        return Headline(BAD, f"Too many failures: {numbers}")
    if record.warnings or counts.deferred:
        return Headline(LOOK, f"Committed: {numbers}")
    return Headline(GOOD, f"OK: {numbers}")


def one_line(record: RunRecord, is_over_budget: bool = False) -> str:
    """Returns a one-line summary of a run, for a pager or a chat.

    Args:
        record: Record of the run.
        is_over_budget: Whether more photographs failed than the operator allows.
    """
    counts = record.counts
    if not record.is_successful:
        return f"FAILED {headline(record).text}"
    kinds = ", ".join(sorted(record.failures, key=lambda kind: -record.failures[kind]))
    warnings = len(record.warnings)
    parts = [
        f"{counts.scored + counts.failed + counts.deferred:,} new",
        f"{counts.scored:,} scored",
        f"{counts.failed:,} failed" + (f" ({kinds})" if kinds else ""),
        f"{counts.deferred:,} deferred" if counts.deferred else "",
        duration(record.seconds),
        "" if record.table_version is None else f"table v{record.table_version}",
        f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else "",
    ]
    return f"{'OVER BUDGET' if is_over_budget else 'OK'} " + ", ".join(part for part in parts if part)


def duration(seconds: float | None) -> str:
    """Returns a duration in seconds or minutes; empty if it is unknown."""
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def bottleneck_sentence(found: Mapping[str, Any]) -> str:
    """Returns a sentence on what a run waited for; empty if it is unknown.

    Args:
        found: As `bottleneck` returns it; empty if there is none.
    """
    stage = found.get("stage")
    if not stage:
        return ""
    if stage == START_UP:
        return "Most of the time went into start-up: loading libraries and the model."
    share = found["shares"].get(stage)
    details = f", {share:.0%} of the time" if share is not None else "; the network waited for it"
    return f"The bottleneck was {STAGE_NAMES[stage]}{details}."
