"""The dates of retries, worked out by hand."""

import datetime

import pyarrow as pa
import pytest

from melanoma.errors import ErrorKind
from melanoma.runs.retry_policy import is_settled, next_try


@pytest.mark.parametrize(
    ("attempts", "last", "due"),
    [
        (1, "2026-01-02", "2026-01-03"),
        (2, "2026-02-28", "2026-03-01"),
        (3, "2028-02-28", "2028-02-29"),
        (4, "2026-01-02", "2026-01-09"),
        (5, "2026-12-28", "2027-01-04"),
        (400, "2026-03-28", "2026-04-04"),
    ],
)
def test_a_retry_is_due_the_next_day_three_times_and_then_after_a_week(attempts: int, last: str, due: str) -> None:
    assert next_try(attempts, datetime.date.fromisoformat(last)) == datetime.date.fromisoformat(due)


def test_nightly_runs_of_a_month_retry_on_these_days() -> None:
    day, attempts, tried = datetime.date(2026, 1, 1), 1, []
    for _ in range(7):
        day, attempts = next_try(attempts, day), attempts + 1
        tried.append(day.day)
    assert tried == [2, 3, 4, 11, 18, 25, 1]


def test_a_row_is_settled_unless_its_error_may_heal() -> None:
    kinds = [None, *ErrorKind]
    rows = pa.table({"error_kind": pa.array([kind and kind.value for kind in kinds], pa.string())})
    healing = {"missing", "changed", "forbidden", "timeout", "store_unavailable"}
    assert is_settled(rows).to_pylist() == [kind is None or kind.value not in healing for kind in kinds]
