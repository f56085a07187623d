"""A shard that misses its turn is named on the next night, and one that is only later in the day is not."""

import datetime
from dataclasses import replace

import pytest

from melanoma.runs.absent_shards import AbsentShard, absent_shards, in_words
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW
from melanoma.runs.run_history import RunSummary, summary_of
from melanoma.shards import Shard
from tests.helpers.reports import RECORD

FIRST, SECOND, THIRD = (Shard(number, 3) for number in (1, 2, 3))


def at(day: int, hour: int = 2, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(2026, 1, day, hour, minute, tzinfo=datetime.UTC)


def run(shard: Shard | None, when: datetime.datetime, outcome: str = COMMITTED) -> RunSummary:
    run_id = f"{when:%Y%m%dT%H%M%SZ}-00000000"
    return summary_of(replace(RECORD, run_id=run_id, outcome=outcome, shard=str(shard or "")), {})


def names(runs: list[RunSummary], now: datetime.datetime) -> list[str]:
    return [str(one.shard) for one in absent_shards(runs, FIRST, now)]


def test_in_the_first_run_nobody_is_late() -> None:
    assert absent_shards([], FIRST, at(2)) == absent_shards([run(SECOND, at(2))], FIRST, at(2)) == []
    assert absent_shards([run(FIRST, at(2))], FIRST, at(2, 13)) == []


def test_a_shard_that_never_ran_is_named_in_the_second_run() -> None:
    runs = [run(FIRST, at(2)), run(SECOND, at(2))]
    assert absent_shards(runs, FIRST, at(3)) == [AbsentShard(THIRD, None)]


@pytest.mark.parametrize(
    "turns",
    [
        [at(2), at(3)],  # at the same time as the first shard; tonight's run may not have ended
        [at(2)],
        [at(1, 20), at(2, 20)],  # hours before it
        [at(2, 13)],  # hours after it
        [at(1, 23, 59), at(2, 23, 59)],
    ],
)
def test_machines_need_not_start_at_the_same_time(turns: list[datetime.datetime]) -> None:
    runs = [run(FIRST, at(1)), run(FIRST, at(2)), *(run(shard, turn) for shard in (SECOND, THIRD) for turn in turns)]
    assert names(runs, at(3)) == []


@pytest.mark.parametrize("last", [None, at(1), at(1, 13)])
def test_a_shard_that_missed_its_turn_is_named(last: datetime.datetime | None) -> None:
    runs = [run(FIRST, at(1)), run(FIRST, at(2)), run(SECOND, at(2)), *([] if last is None else [run(THIRD, last)])]
    assert absent_shards(runs, FIRST, at(3)) == [AbsentShard(THIRD, last)]


def test_a_run_that_did_not_succeed_is_no_turn() -> None:
    runs = [run(FIRST, at(2)), run(SECOND, at(2), KILLED), run(THIRD, at(2), NOTHING_NEW)]
    assert names(runs, at(3)) == ["2/3"]


def test_a_run_of_all_photographs_is_a_turn_of_every_shard_and_one_of_another_number_is_none() -> None:
    assert names([run(FIRST, at(2)), run(None, at(2))], at(3)) == []
    assert names([run(FIRST, at(2)), run(Shard(2, 4), at(2)), run(Shard(3, 4), at(2))], at(3)) == ["2/3", "3/3"]


def test_a_second_start_by_hand_alarms_nobody() -> None:
    runs = [run(FIRST, at(2)), run(FIRST, at(3)), run(SECOND, at(2, 20)), run(THIRD, at(3))]
    assert names(runs, at(3, 10)) == []


def test_in_words() -> None:
    absent = [AbsentShard(SECOND, at(2, 1, 5)), AbsentShard(THIRD, None)]
    assert in_words([]) == "" and "had no row" not in in_words(absent)
    assert in_words(absent, 1234) == (
        "no run of shard 2/3 (last 2026-01-02 01:05 UTC), 3/3 (never) when it was due, so its new photographs are not "
        "scored; 1,234 photographs of other shards had no row when they were listed; start its machine again, or "
        "divide the photographs among the others with a new --shard on each"
    )
