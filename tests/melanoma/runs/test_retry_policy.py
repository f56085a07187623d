"""The dates of retries, worked out by hand."""

import datetime

import pyarrow as pa
import pytest

from melanoma.errors import ErrorKind
from melanoma.images.decoder_process import decoder_mark
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
    values = [kind and kind.value for kind in kinds]
    texts = [kind and f"what happened {decoder_mark()}" for kind in kinds]
    rows = pa.table({"error_kind": pa.array(values, pa.string()), "error": pa.array(texts, pa.string())})
    healing = {"missing", "changed", "forbidden", "timeout", "store_unavailable", "out_of_memory", "archived"}
    assert is_settled(rows).to_pylist() == [kind is None or kind.value not in healing for kind in kinds]


def test_what_a_decoder_did_not_survive_is_tried_again_by_another_decoder() -> None:
    texts = [f"it ended {decoder_mark()}", "it ended [1;simplejpeg 1.0.0;Pillow 9.0.0]", None]
    for kind in (ErrorKind.DECODER_CRASH, ErrorKind.DECODER_TIMEOUT):
        rows = pa.table({"error_kind": [kind.value] * 3, "error": texts})
        assert is_settled(rows).to_pylist() == [True, False, False]
    rows = pa.table({"error_kind": [ErrorKind.CORRUPT.value] * 3, "error": texts})
    assert is_settled(rows).to_pylist() == [True, True, True]
