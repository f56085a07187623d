"""Which shards have not run for too long, so that their share of the photographs stays unscored."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from melanoma.runs.records import SUCCESSFUL
from melanoma.runs.run import started_at
from melanoma.runs.run_history import RunSummary
from melanoma.shards import Shard

_LEAST_DELAY = datetime.timedelta(hours=12)  # machines need not start at the same time of day


class AbsentShard(NamedTuple):
    """A shard that has not run for too long.

    Attributes:
        shard: The shard.
        last: Start of its last successful run, UTC; None if it has not had one.
    """

    shard: Shard
    last: datetime.datetime | None


def absent_shards(runs: Sequence[RunSummary], shard: Shard, now: datetime.datetime) -> list[AbsentShard]:
    """Returns the shards that have missed a turn since the previous run of one shard.

    A shard may be as late as half of the time between two runs, and at least 12 hours. A successful run without shards
    counts as one of every shard. In the first 12 hours after the first run of the shard itself, nobody is late.

    Args:
        runs: Runs of one model, in any order.
        shard: The shard that runs now, or is about to.
        now: UTC start of its run.
    """
    own = [start for start in _starts(runs, shard) if start < now]
    if not own or now - min(own) < _LEAST_DELAY:
        return []
    previous = max(own)
    latest = previous - max((now - previous) / 2, _LEAST_DELAY)
    last_of = {other: max(_starts(runs, other), default=None) for other in shard.others}
    return [AbsentShard(other, last) for other, last in last_of.items() if last is None or last < latest]


def _starts(runs: Sequence[RunSummary], shard: Shard) -> list[datetime.datetime]:
    return [
        started_at(run["run_id"]) for run in runs if run["outcome"] in SUCCESSFUL and run["shard"] in ("", str(shard))
    ]


def in_words(absent: Sequence[AbsentShard], waiting: int | None = None) -> str:
    """Returns what the operator should know about absent shards; empty if there are none.

    Args:
        absent: As `absent_shards` returns them.
        waiting: Number of photographs of other shards that the table does not hold; None if it is not known.
    """
    if not absent:
        return ""
    since = [f"{one.shard} ({_since(one.last)})" for one in absent]
    unscored = "" if waiting is None else f"; {waiting:,} photographs of other shards had no row when they were listed"
    return (
        f"no run of shard {', '.join(since)} when it was due, so its new photographs are not scored{unscored}; start "
        "its machine again, or divide the photographs among the others with a new --shard on each"
    )


def _since(last: datetime.datetime | None) -> str:
    return "never" if last is None else f"last {last:%Y-%m-%d %H:%M} UTC"
