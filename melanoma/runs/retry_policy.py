"""When a photograph whose failure may heal is tried again: on the next three nights, then once a week."""

import datetime

NIGHTS_IN_A_ROW = 3
_NIGHT, _WEEK = datetime.timedelta(days=1), datetime.timedelta(days=7)


def next_try(attempts: int, last: datetime.date) -> datetime.date:
    """Gives the first night on which a photograph is due again.

    Args:
        attempts: That failed so far, at least 1.
        last: Date of the night of the last one.
    """
    return last + (_NIGHT if attempts <= NIGHTS_IN_A_ROW else _WEEK)
