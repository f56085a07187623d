"""When a failed photograph is retried: daily at first, then once a week.

Which kinds of failure are retried at all is `ErrorKind.may_heal` in `melanoma/errors.py`.
"""

import datetime

import pyarrow as pa
import pyarrow.compute

from melanoma.errors import MAY_HEAL, OF_DECODER
from melanoma.images.decoder_process import decoder_mark

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
        rows: With the columns error_kind and error.

    Returns:
        bool, true for a row that was scored, or that failed in a way that cannot heal: one that a decoder did not
        survive is tried again by another version of the decoder.
    """
    healing, of_decoder = (pa.array([kind.value for kind in kinds]) for kinds in (MAY_HEAL, OF_DECODER))
    may_heal = pa.compute.is_in(rows["error_kind"], value_set=healing)
    is_of_decoder = pa.compute.is_in(rows["error_kind"], value_set=of_decoder)
    is_of_this_one = pa.compute.fill_null(pa.compute.ends_with(rows["error"], decoder_mark()), False)
    is_of_another = pa.compute.and_(is_of_decoder, pa.compute.invert(is_of_this_one))
    return pa.compute.invert(pa.compute.or_(may_heal, is_of_another))
