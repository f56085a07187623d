"""What a nightly run does when this machine's clock, or that of an earlier run, is wrong."""

import datetime

_WORTH_A_WARNING = datetime.timedelta(minutes=10)


def clock_behind(newest: datetime.datetime | None, now: datetime.datetime) -> datetime.timedelta:
    """Returns how far the clock is behind the newest row of the table; zero where it is ahead of it.

    Args:
        newest: UTC time that no row of the table reaches; None where there is none.
        now: The present UTC time of this machine.
    """
    return datetime.timedelta(0) if newest is None else max(newest - now, datetime.timedelta(0))


def clock_warnings(behind: datetime.timedelta) -> tuple[str, ...]:
    """Returns a warning for a clock that is behind by more than clocks of two machines usually differ."""
    if behind < _WORTH_A_WARNING:
        return ()
    hours = behind / datetime.timedelta(hours=1)
    return (
        f"the newest rows of the table are {hours:,.1f} hours ahead of this machine's clock: it is slow, or that of an "
        "earlier run was fast; set it right. Until then scored_at of new rows is later by as much, so that the newest "
        "results stay the newest",
    )
