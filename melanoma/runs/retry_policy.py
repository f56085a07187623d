"""When a failed photograph is retried: daily at first, then once a week.

Which kinds of failure are retried at all is `ErrorKind.may_heal` in `melanoma/errors.py`.
"""

import datetime

import pyarrow as pa
import pyarrow.compute

from melanoma.errors import MAY_HEAL

DAILY_RETRIES = 3
DAYS_AT_FIRST, DAYS_LATER = 1, 7


def next_try(attempts: int, last: datetime.date) -> datetime.date:
    """Returns the date of the first run that retries a photograph.

    Args:
        attempts: Number of failed attempts so far, at least 1.
        last: Date of the last attempt, which is that of its run.
    """
    return last + datetime.timedelta(days=DAYS_AT_FIRST if attempts <= DAILY_RETRIES else DAYS_LATER)


def is_settled(rows: pa.Table | pa.RecordBatch) -> pa.Array | pa.ChunkedArray:
    """Tells which rows need no further attempt.

    Args:
        rows: With the column error_kind.

    Returns:
        bool, true for a row that was scored, or that failed in a way that cannot heal.
    """
    healing = pa.array([kind.value for kind in MAY_HEAL])
    return pa.compute.invert(pa.compute.is_in(rows["error_kind"], value_set=healing))
