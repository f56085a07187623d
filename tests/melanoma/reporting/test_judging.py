"""The exit code of a run: its failure budget, and a store that was down."""

import pytest

from jobs.nightly.verdict import exit_code, is_over_budget
from melanoma.runs.records import COMMITTED, NOTHING_NEW, STOPPED, STORE_DOWN, Counts, RunRecord


def record(outcome: str, scored: int, failed: int) -> RunRecord:
    return RunRecord("r", "2026-01-02", "m", outcome, Counts(scored + failed, scored, failed))


@pytest.mark.parametrize(
    ("outcome", "scored", "failed", "max_failed", "code"),
    [
        (COMMITTED, 0, 9, 0.05, 0),  # fewer than ten
        (COMMITTED, 190, 10, 0.05, 0),  # 5 % exactly
        (COMMITTED, 189, 10, 0.05, 1),
        (COMMITTED, 0, 10, 1.0, 0),
        (COMMITTED, 0, 10, 0.0, 1),
        (NOTHING_NEW, 0, 0, 0.0, 0),
        (STORE_DOWN, 0, 0, 1.0, 3),
        (STORE_DOWN, 0, 50, 0.0, 3),  # failures of the store, not of photographs
    ],
)
def test_exit_codes(outcome: str, scored: int, failed: int, max_failed: float, code: int) -> None:
    found = record(outcome, scored, failed)
    assert exit_code(found, max_failed) == code
    assert is_over_budget(found, max_failed) is (code == 1)


def test_a_run_that_ended_early_is_not_over_budget() -> None:
    assert not is_over_budget(record(STOPPED, 0, 0), max_failed=0.0)
