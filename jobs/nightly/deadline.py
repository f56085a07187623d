"""The time after which a nightly run starts nothing new."""

import datetime

from jobs.nightly.options import NightlyOptions


def deadline_of(
    options: NightlyOptions, now: datetime.datetime, zone: datetime.tzinfo | None = None
) -> datetime.datetime | None:
    """Returns the UTC time after which no photograph is begun: the earlier of `--stop-at` and `--max-time`.

    Args:
        options: Command line.
        now: The present time, with any zone.
        zone: Of the local clock; None for this machine's.

    Returns:
        The time; None without these flags.
    """
    deadlines = []
    if options.stop_at is not None:
        deadlines.append(_next(options.stop_at, now, zone))
    if options.max_time is not None:
        deadlines.append(now + options.max_time)
    return min(deadlines).astimezone(datetime.UTC) if deadlines else None


def _next(time: datetime.time, now: datetime.datetime, zone: datetime.tzinfo | None) -> datetime.datetime:
    """Returns the next moment at which the local clock shows a time.

    A time that the clock shows twice, because it is put back, counts twice. One that it skips is read with the offset
    before the change, as in RFC 5545: 02:30 becomes 03:30.
    """
    today = now.astimezone(zone).date()
    days = (today + datetime.timedelta(days=day) for day in range(3))
    return min(
        moment for day in days for moment in _moments(datetime.datetime.combine(day, time), zone) if moment > now
    )


def _moments(wall: datetime.datetime, zone: datetime.tzinfo | None) -> list[datetime.datetime]:
    """Returns the moments, UTC, at which the local clock shows a date and time: one, two, or one in place of none."""
    readings = [wall.replace(fold=fold, tzinfo=zone) for fold in (0, 1)]
    moments = [reading.astimezone(datetime.UTC) for reading in readings]
    shown = [moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == wall]
    return shown or [max(moments)]
