"""Every type of a flag's value: what it accepts, what it returns, and its one-line error."""

import argparse
import datetime
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from jobs.console.arg_types import clock, date, duration, shard, share, size, whole
from melanoma.shards import Shard


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (whole, "1", 1),
        (whole, "007", 7),
        (partial(whole, least=0), "0", 0),
        (size, "224x224", (224, 224)),
        (size, "32X40", (32, 40)),
        (partial(size, least=32), "32x1000", (32, 1000)),
        (share, "0", 0.0),
        (share, "1", 1.0),
        (share, "5e-2", 0.05),
        (shard, "1/4", Shard(1, 4)),
        (shard, "4/4", Shard(4, 4)),
        (date, "2026-02-28", datetime.date(2026, 2, 28)),
        (clock, "05:30", datetime.time(5, 30)),
        (clock, "23:59:59", datetime.time(23, 59, 59)),
        (duration, "3h30m", datetime.timedelta(hours=3, minutes=30)),
        (duration, "90m", datetime.timedelta(minutes=90)),
        (duration, "45s", datetime.timedelta(seconds=45)),
        (duration, "1h2m3s", datetime.timedelta(seconds=3723)),
        (duration, "0s", datetime.timedelta()),
    ],
)
def test_a_value_is_read(parse: Callable[[str], Any], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "complaint"),
    [
        (whole, "0", "'0' is not a whole number of at least 1"),
        (whole, "-1", "'-1' is not a whole number of at least 1"),
        (whole, "1.5", "'1.5' is not a whole number of at least 1"),
        (whole, "many", "'many' is not a whole number of at least 1"),
        (whole, "", "'' is not a whole number of at least 1"),
        (partial(whole, least=3), "2", "'2' is not a whole number of at least 3"),
        (size, "224", "'224' is not a size; write height x width, each at least 1, for example 224x224"),
        (size, "224x", "'224x' is not a size"),
        (size, "x224", "'x224' is not a size"),
        (size, "0x24", "'0x24' is not a size"),
        (size, "24x24x3", "'24x24x3' is not a size"),
        (partial(size, least=32), "31x32", "each at least 32"),
        (partial(size, least=32), "32x31", "each at least 32"),
        (share, "5%", "'5%' must be between 0 and 1, for example 0.05"),
        (share, "1.01", "must be between 0 and 1"),
        (share, "-0.1", "must be between 0 and 1"),
        (share, "nan", "must be between 0 and 1"),
        (share, "inf", "must be between 0 and 1"),
        (
            shard,
            "0/4",
            "'0/4' is not a shard; write its number and how many there are, at most 1,000: 1/4 is",
        ),
        (shard, "5/4", "'5/4' is not a shard"),
        (shard, "1", "'1' is not a shard"),
        (shard, "a/b", "this word is not a shard"),
        (shard, "1/4/2", "this word is not a shard"),
        (shard, "1/1001", "'1/1001' is not a shard"),
        (date, "yesterday", "'yesterday' is not a date; write YYYY-MM-DD"),
        (date, "2026-02-30", "'2026-02-30' is not a date"),
        (date, "01.02.2026", "is not a date"),
        (clock, "25:00", "'25:00' is not a time of day; write HH:MM"),
        (clock, "5", "'5' is not a time of day"),
        (clock, "05:30:61:00", "is not a time of day"),
        (duration, "", "'' is not a length of time; write for example 3h30m, 90m or 45s"),
        (duration, "90", "'90' is not a length of time"),
        (duration, "30m3h", "is not a length of time"),
        (duration, "3 days", "is not a length of time"),
        (duration, "-1h", "is not a length of time"),
    ],
)
def test_an_invalid_value_is_refused(parse: Callable[[str], Any], text: str, complaint: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        parse(text)
    message = str(refused.value)
    assert complaint in message and "\n" not in message


@pytest.mark.parametrize("height", [1, 32, 4096])
@pytest.mark.parametrize("width", [1, 224])
def test_a_size_is_height_first(height: int, width: int) -> None:
    assert size(f"{height}x{width}") == (height, width)


@pytest.mark.parametrize("moment", [datetime.time(0, 0), datetime.time(12, 5), datetime.time(23, 59, 1)])
def test_a_clock_reads_what_it_prints(moment: datetime.time) -> None:
    assert clock(moment.isoformat()) == moment
