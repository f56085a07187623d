"""The stage that a run waited for."""

from typing import Any

from melanoma.runs.records import RunRecord

START_UP = "start-up"
_ENOUGH = 0.5  # share of the run's time


def bottleneck(record: RunRecord) -> dict[str, Any]:
    """Finds the stage that a run waited for, as far as its record shows.

    Listing, network, staging and commit work one at a time in each worker, so their seconds are shares of the run's
    time. Reading and decoding run in many threads in parallel with the network: while the network was idle, it waited
    for them.

    Returns:
        JSON values: `stage`, one of `STAGES`, `start-up`, or empty if nothing was scored; `shares`, the share of the
        run's time of each stage that works one at a time.
    """
    if not record.seconds or not (record.counts.scored + record.counts.failed):
        return {"stage": "", "shares": {}}
    seconds = {name: stage.seconds for name, stage in record.stages.items()}
    workers = {"list": 1, "infer": record.workers, "stage": record.workers, "commit": 1}
    shares = {name: seconds.get(name, 0.0) / (record.seconds * count) for name, count in workers.items()}
    parallel = {name: seconds.get(name, 0.0) for name in ("read", "decode")}
    if sum(shares.values()) >= _ENOUGH:
        stage = max(shares, key=lambda name: shares[name])
    elif sum(parallel.values()) >= _ENOUGH * record.seconds * record.workers:
        stage = max(parallel, key=lambda name: parallel[name])
    else:
        stage = START_UP
    return {"stage": stage, "shares": shares}
