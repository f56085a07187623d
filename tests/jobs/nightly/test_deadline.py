"""The time limit of a run is the right moment on every day, also when the local clock is changed at night."""

import datetime
import os
import time
import zoneinfo
from collections.abc import Callable, Iterator

import pytest

from jobs.cli import parse
from jobs.nightly.deadline import deadline_of
from jobs.nightly.options import NightlyOptions

SetZone = Callable[[str], None]


def options(*words: str) -> NightlyOptions:
    invocation = parse(["score", "--bundle", "b", "--output", "o", *words])
    return NightlyOptions.from_command_line(invocation.args, invocation.beam_options)


@pytest.fixture
def local_zone() -> Iterator[SetZone]:
    """Sets the zone of this machine's clock."""
    before = os.environ.get("TZ")

    def set_to(name: str | None) -> None:
        if name is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = name
        time.tzset()

    yield set_to
    set_to(before)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["--stop-at", "23:30"], "2026-07-01T21:30"),
        (["--stop-at", "05:30"], "2026-07-02T03:30"),  # past today: tomorrow
        (["--stop-at", "22:00"], "2026-07-02T20:00"),  # now: tomorrow
        (["--max-time", "90m"], "2026-07-01T21:30"),
        (["--max-time", "3h", "--stop-at", "23:00"], "2026-07-01T21:00"),  # the earlier one
        (["--max-time", "10m", "--stop-at", "23:00"], "2026-07-01T20:10"),
    ],
)
def test_the_deadline_is_the_earlier_of_both_in_utc(words: list[str], expected: str | None) -> None:
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    found = deadline_of(options(*words), datetime.datetime(2026, 7, 1, 22, tzinfo=zone), zone)
    assert (found and found.isoformat()) == (expected and f"{expected}:00+00:00")


@pytest.mark.parametrize("of_machine", [True, False])
@pytest.mark.parametrize(
    ("zone", "now", "stop_at", "expected"),
    [
        # Berlin puts the clock back on 25 October at 03:00 summer time, and forward on 29 March at 02:00.
        ("Europe/Berlin", "2026-10-24T20:00", "05:30", "2026-10-25T04:30"),
        ("Europe/Berlin", "2026-03-28T21:00", "05:30", "2026-03-29T03:30"),
        ("Europe/Berlin", "2026-10-24T20:00", "02:30", "2026-10-25T00:30"),  # the first of two
        ("Europe/Berlin", "2026-10-25T00:45", "02:30", "2026-10-25T01:30"),  # the second of two
        ("Europe/Berlin", "2026-10-25T01:45", "02:30", "2026-10-26T01:30"),
        ("Europe/Berlin", "2026-03-28T21:00", "02:30", "2026-03-29T01:30"),  # skipped: 03:30
        ("Europe/Berlin", "2026-03-29T01:10", "02:30", "2026-03-29T01:30"),
        ("America/New_York", "2026-11-01T02:00", "06:00", "2026-11-01T11:00"),
        ("America/New_York", "2026-03-08T02:00", "06:00", "2026-03-08T10:00"),
        ("Australia/Lord_Howe", "2026-04-04T12:00", "05:30", "2026-04-04T19:00"),  # half an hour back
        ("Australia/Lord_Howe", "2026-10-03T12:00", "05:30", "2026-10-03T18:30"),
        ("Africa/Cairo", "2026-04-23T20:00", "00:30", "2026-04-23T22:30"),  # midnight is skipped
        ("Asia/Kolkata", "2026-06-01T17:00", "05:30", "2026-06-02T00:00"),
        ("UTC", "2026-06-01T22:00", "05:30", "2026-06-02T05:30"),
    ],
)
def test_a_change_of_the_clock_moves_the_deadline(
    local_zone: SetZone, of_machine: bool, zone: str, now: str, stop_at: str, expected: str
) -> None:
    if of_machine:
        local_zone(zone)
    present = datetime.datetime.fromisoformat(f"{now}+00:00")
    found = deadline_of(options("--stop-at", stop_at), present, None if of_machine else zoneinfo.ZoneInfo(zone))
    assert found is not None and found.isoformat() == f"{expected}:00+00:00"
