"""The exit code of a run that came to its end."""

from jobs.console.exit_codes import NOTHING_COMMITTED, OK, OVER_BUDGET
from melanoma.runs.records import STORE_DOWN, RunRecord

_FEW_FAILURES = 10  # fewer are always accepted: in a small run each of them would be a large share


def exit_code(record: RunRecord, max_failed: float) -> int:
    """Returns the exit code for one model's run.

    Args:
        record: Record of the run.
        max_failed: Accepted failure rate, 0 to 1.
    """
    if record.outcome == STORE_DOWN:
        return NOTHING_COMMITTED
    return OVER_BUDGET if is_over_budget(record, max_failed) else OK


def is_over_budget(record: RunRecord, max_failed: float) -> bool:
    """Tells whether more photographs failed than the operator accepts; never for fewer than ten failures.

    Args:
        record: Record of the run. If the store was down, its failures are the store's and do not count.
        max_failed: Accepted failure rate among scored and failed photographs, 0 to 1.
    """
    failed = record.counts.failed
    if record.outcome == STORE_DOWN or failed < _FEW_FAILURES:
        return False
    return failed > max_failed * (record.counts.scored + failed)
