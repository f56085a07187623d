"""When a failed photograph is retried: daily at first, then once a week.

Which kinds of failure are retried at all is `ErrorKind.may_heal` in `melanoma/errors.py`.
"""

import datetime

DAILY_RETRIES = 3
DAYS_AT_FIRST, DAYS_LATER = 1, 7


def next_try(attempts: int, last: datetime.date) -> datetime.date:
    """Returns the date of the first run that retries a photograph.

    Args:
        attempts: Number of failed attempts so far, at least 1.
        last: Date of the last attempt, which is that of its run.
    """
    return last + datetime.timedelta(days=DAYS_AT_FIRST if attempts <= DAILY_RETRIES else DAYS_LATER)
