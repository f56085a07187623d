"""Judges a run: the only place that decides whether all is well, and says why not."""

from collections.abc import Mapping, Sequence
from typing import Any

from melanoma.errors import MelanomaError, PhotographError
from melanoma.exit_codes import NOTHING_COMMITTED, OK, OVER_BUDGET, WRONG_USAGE, exit_code_of
from melanoma.reporting.drift import chance_limit, last_runs
from melanoma.reporting.limits import EARLIER, Limits
from melanoma.reporting.verdict import Event, Reason, RunVerdict, read_verdict
from melanoma.runs.records import COMMITTED, KILLED, REFUSED, STOPPED, STORE_DOWN, RunRecord
from melanoma.wording import counted

_FEW_FAILURES = 10  # fewer are always accepted: in a small run each of them would be a large share
_EARLY_ENDS = {
    STORE_DOWN: (Event.STORE_DOWN, NOTHING_COMMITTED),
    STOPPED: (Event.STOPPED, NOTHING_COMMITTED),
    KILLED: (Event.KILLED, NOTHING_COMMITTED),
    REFUSED: (Event.REFUSED, WRONG_USAGE),
}
_USUAL_REASONS = {
    STORE_DOWN: "the store returned no photographs, so nothing was committed; start the run again",
    STOPPED: "the run ended early; the next run resumes it",
    KILLED: "the next run resumes it",
    REFUSED: "a check refused the run",
}


def judge(record: RunRecord, content: Mapping[str, Any], limits: Limits, exit_code: int | None = None) -> RunVerdict:
    """Judges a run.

    Args:
        record: Record of the run.
        content: Content of its report; empty if there is none: then drift is not judged.
        limits: What the operator accepts.
        exit_code: Code with which a run that ended early ends its process; None for the usual one.
    """
    if not record.is_successful:
        event, usual = _EARLY_ENDS.get(record.outcome, (Event.FAILED, NOTHING_COMMITTED))
        text = record.reason or _USUAL_REASONS.get(record.outcome, record.outcome)
        return RunVerdict(exit_code or usual, (Reason(event, text), *_warnings(record)))
    alarms = [*_over_budget(record, limits), *_drift(content, limits)]
    return RunVerdict(OVER_BUDGET if alarms else OK, (*alarms, *_deferred(record), *_warnings(record, alarms)))


def judge_error(error: BaseException) -> RunVerdict:
    """Judges a start that ended with an error before there was a run.

    Args:
        error: One of our own; of any other only the class is told, since its text may name a photograph.
    """
    code = exit_code_of(error)
    event = Event.REFUSED if code == WRONG_USAGE else Event.FAILED
    return RunVerdict(code, (Reason(event, text_of_error(error)),))


def text_of_error(error: BaseException) -> str:
    """Returns what may be told about an error on every channel."""
    if isinstance(error, MelanomaError | PhotographError):
        return str(error)
    return f"a defect of melanoma ({type(error).__name__}); report the traceback in the log"


def verdict_of(record: RunRecord, content: Mapping[str, Any]) -> RunVerdict:
    """Returns the verdict on a recorded run; of an earlier version it is made from what the record holds.

    Args:
        record: Record of the run.
        content: Content of its report; empty if there is none.
    """
    if (stored := read_verdict(content.get("verdict"))) is not None:
        return stored
    verdict = judge(record, {}, Limits(max_failed=1.0))
    if not content.get("is_over_budget"):
        return verdict
    text = f"{record.counts.failed:,} photographs failed, more than --max-failed allowed"
    return RunVerdict(OVER_BUDGET, (Reason(Event.OVER_BUDGET, text), *verdict.reasons))


def _over_budget(record: RunRecord, limits: Limits) -> list[Reason]:
    """Judges failures: by their share among those that were tried, and never fewer than ten."""
    failed, tried = record.counts.failed, record.counts.failed + record.counts.scored
    if failed < _FEW_FAILURES or failed <= limits.max_failed * tried:
        return []
    return [
        Reason(
            Event.OVER_BUDGET,
            f"{failed:,} of {tried:,} photographs failed ({failed / tried:.1%}, limit {limits.max_failed:.1%} by "
            "--max-failed); the report says what failed and what to do",
        )
    ]


def _drift(content: Mapping[str, Any], limits: Limits) -> list[Reason]:
    """Judges the drift of the predictions, where there are enough photographs to compare."""
    reasons = []
    for against, limit in limits.by_reference.items():
        found = content.get("drift", {}).get(against, {})
        if not found.get("judged"):
            continue
        before, now = found.get("n"), content.get("seen", {}).get("n")
        allowed = max(limit, chance_limit(before, now)) if before and now else limit
        if (psi := found["columns"][found["worst"]]) > allowed:
            where, flag = _compared_with(against, content)
            limit_text = f"limit {_limit_in_words(allowed, limit)} by {flag}"
            reasons.append(
                Reason(
                    Event.DRIFT,
                    f"prediction drift (PSI {psi:.2f}, {limit_text}) of {found['worst']} from {where}; "
                    "compare the histograms in the report: another clinic or camera, or a fault in the photographs",
                )
            )
    return reasons


def _compared_with(against: str, content: Mapping[str, Any]) -> tuple[str, str]:
    """Returns what the predictions are compared with, in words, and the flag of its limit."""
    if against == EARLIER:
        runs = content.get("earlier", {}).get("nights", 0)
        return last_runs(runs), "--max-drift"
    return "the bundle's reference", "--max-bundle-drift"


def _limit_in_words(allowed: float, limit: float) -> str:
    return f"{limit:g}" if allowed == limit else f"{allowed:.2f}, raised from {limit:g} for few photographs,"


def _deferred(record: RunRecord) -> list[Reason]:
    number = record.counts.deferred
    if not number:
        return []
    photographs = counted(number, "photograph")
    if record.outcome == COMMITTED:
        return [Reason(Event.DEFERRED, f"{photographs} left for the next run, which starts with them")]
    text = f"no time was left to score any of {photographs}; give the run more time (--stop-at, --max-time)"
    return [Reason(Event.DEFERRED, text)]


def _warnings(record: RunRecord, told: Sequence[Reason] = ()) -> list[Reason]:
    """Returns the record's warnings that are not told already."""
    texts = {reason.text for reason in told}
    return [Reason(Event.WARNING, warning) for warning in record.warnings if warning not in texts]
