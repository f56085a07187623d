"""Sentences for the operator: the outcome of a run, what to do about failures, and what the run waited for."""

import datetime
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from melanoma.errors import ErrorKind
from melanoma.images.limits import MAX_BYTES, MAX_PIXELS, MAX_RATIO, MAX_SCANS, MAX_SIDE
from melanoma.reporting.bottleneck import START_UP
from melanoma.reporting.verdict import Event, ReportedRun, RunVerdict
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, REFUSED, STAGES, STOPPED, STORE_DOWN, RunRecord
from melanoma.runs.retry_policy import DAILY_RETRIES, DAYS_LATER
from melanoma.terminal import printable
from melanoma.wording import counted

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
    ErrorKind.UNSUPPORTED_FORMAT: "Not JPEG, PNG, WebP, TIFF, HEIC or DICOM, or a rare kind of these; convert it.",
    ErrorKind.TRUNCATED: "The file ends too early, often an interrupted copy; copy it again.",
    ErrorKind.CORRUPT: "The file is damaged; restore it.",
    ErrorKind.ANIMATED: "Several pictures in one file; export a single one.",
    ErrorKind.TOO_LARGE: f"More than {MAX_BYTES >> 20} MiB; export it smaller.",
    ErrorKind.TOO_MANY_PIXELS: f"More than {MAX_PIXELS // 10**6} million pixels; export it smaller.",
    ErrorKind.BAD_DIMENSIONS: (
        f"A side above {MAX_SIDE:,} pixels, or more than {MAX_RATIO} times the other; crop it, or export it smaller."
    ),
    ErrorKind.TOO_MANY_SCANS: f"A progressive JPEG of more than {MAX_SCANS} scans; save it as an ordinary JPEG.",
    ErrorKind.DECODER_CRASH: "The process that decoded it ended; save the file anew with another program.",
    ErrorKind.DECODER_TIMEOUT: "Decoding took too long; save the file anew with another program.",
    ErrorKind.OUT_OF_MEMORY: "The memory for decoding was not enough; free memory, or export the file smaller.",
    ErrorKind.MISSING: "Deleted between listing and reading, or named by a manifest but not in the store.",
    ErrorKind.CHANGED: "Overwritten during the run.",
    ErrorKind.FORBIDDEN: "Fix the permissions of the account that runs the job.",
    ErrorKind.TIMEOUT: "The store was slow.",
    ErrorKind.STORE_UNAVAILABLE: "The store failed.",
    ErrorKind.ARCHIVED: "Restore it from the archive of the store; until then it cannot be read.",
    ErrorKind.BAD_NAME: "Rename the file so that its name is plain Unicode text, or correct the manifest.",
    ErrorKind.BAD_OUTPUT: "The network failed or returned no valid probabilities: contact the supplier of the model.",
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


def headline(record: RunRecord, verdict: RunVerdict) -> Headline:
    """Returns the first line that the operator reads; the reasons of the verdict explain it.

    Args:
        record: Record of the run.
        verdict: The verdict on it.
    """
    return Headline(verdict.level, _sentence(record, verdict))


def _sentence(record: RunRecord, verdict: RunVerdict) -> str:
    counts = record.counts
    if record.outcome == COMMITTED:
        numbers = f"{counted(counts.scored, 'photograph')} scored"
        numbers += f", {counts.failed:,} failed" if counts.failed else ""
        numbers += f", {counts.deferred:,} deferred" if counts.deferred else ""
        return f"{_alarm(verdict) or ('Committed' if verdict.reasons else 'OK')}: {numbers}"
    if record.outcome == NOTHING_NEW:
        if counts.deferred:
            return f"Out of time: {counted(counts.deferred, 'photograph')} deferred to the next run"
        return f"{'Nothing' if verdict.reasons else 'OK: nothing'} new among {_in_its_charge(record)}"
    sentences = {
        STORE_DOWN: "The store returned no photographs, so nothing was committed; start the run again",
        STOPPED: "The run ended early and committed nothing",
        REFUSED: "The run was refused and committed nothing",
        KILLED: "The run was killed and committed nothing; the next run resumes it",
    }
    sentence = sentences.get(record.outcome, record.outcome)
    if record.outcome in (STOPPED, REFUSED):
        return f"{sentence}{f': {record.reason}' if record.reason else '; the next run resumes it'}"
    return sentence


def _in_its_charge(record: RunRecord) -> str:
    """Returns how many photographs a run had to look after, in words."""
    number = counted(record.counts.listed - record.counts.other_shard, "photograph")
    return f"{number} of shard {record.shard}" if record.shard else number


def _alarm(verdict: RunVerdict) -> str:
    names = {Event.OVER_BUDGET: "too many failures", Event.DRIFT: "the predictions have drifted"}
    return " and ".join(name for event, name in names.items() if verdict.has(event)).capitalize()


def one_line(run: ReportedRun, report: str) -> str:
    """Returns a run on one line, for a pager or a chat.

    Args:
        run: The run.
        report: Address of its report.
    """
    record, verdict = run.record, run.verdict
    shard = f", shard {record.shard}" if record.shard else ""
    where = f"Run of {record.run_date}{shard}, bundle {record.model_name or record.model_id}, report {report}"
    if not record.is_successful:
        word = "STOPPED" if record.outcome == STOPPED and verdict.has(Event.STOPPED) else "FAILED"
        return printable(f"{word} {_sentence(record, verdict)}. {where}")
    texts = [reason.text for reason in verdict.reasons]
    return printable(". ".join([f"{_word(record, verdict)} {_counts(record)}", *texts, where]))


def one_line_without_run(
    verdict: RunVerdict, bundles: Sequence[str], run_date: datetime.date | None, report: str = ""
) -> str:
    """Returns a start that ended before there was a run on one line, for a pager or a chat.

    Args:
        verdict: The verdict on it.
        bundles: Addresses of the bundles, as the operator wrote them.
        run_date: Date of the run; None for today.
        report: Address of its report; empty if there is none.
    """
    word = "STOPPED" if verdict.has(Event.STOPPED) else "FAILED"
    texts = ". ".join(reason.text for reason in verdict.reasons)
    names = ", ".join(uri.rstrip("/").rpartition("/")[2] for uri in bundles)
    where = f"report {report}" if report else "no report"
    return printable(f"{word} {texts}. Run of {run_date or datetime.date.today()}, bundle {names}, {where}")


def _word(record: RunRecord, verdict: RunVerdict) -> str:
    words = {Event.OVER_BUDGET: "OVER BUDGET", Event.DRIFT: "DRIFT"}
    alarms = " AND ".join(word for event, word in words.items() if verdict.has(event))
    is_out_of_time = record.outcome == NOTHING_NEW and record.counts.deferred
    return alarms or ("OUT OF TIME" if is_out_of_time else "OK")


def _counts(record: RunRecord) -> str:
    counts, warnings = record.counts, len(record.warnings)
    kinds = ", ".join(sorted(record.failures, key=lambda kind: -record.failures[kind]))
    parts = [
        f"{counts.scored + counts.failed + counts.deferred:,} new",
        f"{counts.scored:,} scored",
        f"{counts.failed:,} failed" + (f" ({kinds})" if kinds else ""),
        f"{counts.deferred:,} deferred" if counts.deferred else "",
        duration(record.seconds),
        "" if record.table_version is None else f"table v{record.table_version}",
        f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else "",
    ]
    return ", ".join(part for part in parts if part)


def failures_command(table: str, run_id: str) -> str:
    """Returns the command that lists the photographs that failed in a run by name, quoted for a shell.

    Args:
        table: Address of the table.
        run_id: Id of the run.
    """
    sql = f"SELECT image_uri, error_kind, error FROM scores WHERE run_id = '{run_id}' AND status = 'failed'"  # noqa: S608
    return f'melanoma query {shlex.quote(table)} "{sql}"'


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
