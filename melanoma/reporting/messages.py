"""Sentences for the operator: the outcome of a run, what to do about failures, and what the run waited for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from melanoma.errors import ErrorKind
from melanoma.images.limits import MAX_BYTES, MAX_PIXELS, MAX_RATIO, MAX_SCANS, MAX_SIDE
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
    ErrorKind.EMPTY: "The file has no bytes; export it again.",
    ErrorKind.UNSUPPORTED_FORMAT: "Not JPEG, PNG, WebP or TIFF, or a rare kind of these; convert it.",
    ErrorKind.TRUNCATED: "The file ends too early, often an interrupted copy; copy it again.",
    ErrorKind.CORRUPT: "The file is damaged; restore it.",
    ErrorKind.ANIMATED: "Several pictures in one file; export a single one.",
    ErrorKind.TOO_LARGE: f"More than {MAX_BYTES >> 20} MiB; export it smaller.",
    ErrorKind.TOO_MANY_PIXELS: f"More than {MAX_PIXELS // 10**6} million pixels; export it smaller.",
    ErrorKind.BAD_DIMENSIONS: (
        f"A side above {MAX_SIDE:,} pixels, or more than {MAX_RATIO} times the other; crop it, or export it smaller."
    ),
    ErrorKind.TOO_MANY_SCANS: f"A progressive JPEG of more than {MAX_SCANS} scans; save it as an ordinary JPEG.",
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
    return f"{_ADVICE[known]} {_RETRIED}" if known.may_heal else _ADVICE[known]


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
            return Headline(LOOK, f"Out of time: {_photographs(counts.deferred)} deferred to the next run")
        return Headline(GOOD, f"OK: nothing new among {_photographs(counts.listed)}")
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
    numbers = f"{_photographs(counts.scored)} scored"
    numbers += f", {counts.failed:,} failed" if counts.failed else ""
    numbers += f", {counts.deferred:,} deferred" if counts.deferred else ""
    if is_over_budget:
        return Headline(BAD, f"Too many failures: {numbers}")
    if record.warnings or counts.deferred:
        return Headline(LOOK, f"Committed: {numbers}")
    return Headline(GOOD, f"OK: {numbers}")


def _photographs(number: int) -> str:
    return f"{number:,} photograph{'' if number == 1 else 's'}"


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
