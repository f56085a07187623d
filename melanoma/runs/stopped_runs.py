"""Workers of a cluster may outlive the process that started them: they keep its heartbeat, and end if it was stopped.

The record of a stopped run is what tells them, whether or not the cluster has been told, or obeys.
"""

import time
from collections.abc import Iterable, Iterator

import pyarrow as pa

from melanoma.errors import NothingCommittedError, ReadError
from melanoma.runs import heartbeats
from melanoma.runs.records import REFUSED, STOPPED
from melanoma.runs.run import Run
from melanoma.runs.stored_records import read_record

_EVERY_SECONDS = 30.0
_last = dict[str, float]()  # moment of the last look, by run


def look(run: Run) -> None:
    """Leaves a heartbeat and looks whether the run was stopped, every half minute; only where workers are elsewhere.

    Raises:
        NothingCommittedError: It was stopped.
    """
    if run.workers is None or time.monotonic() < _last.get(run.run_id, -_EVERY_SECONDS) + _EVERY_SECONDS:
        return
    _last[run.run_id] = time.monotonic()
    try:
        refuse_if_stopped(run)
        heartbeats.keep(run.layout, run.workers.heartbeat)
    except ReadError:  # the store may answer next time, and what has to be written will tell
        return


def refuse_if_stopped(run: Run) -> None:
    """Ends the work for a run that was stopped, so that it never commits.

    Raises:
        NothingCommittedError: It was stopped.
        ReadError: The store does not answer.
    """
    if run.workers is not None and (record := read_record(run)) is not None and record.outcome in (STOPPED, REFUSED):
        raise NothingCommittedError(f"run {run.run_id} was stopped; nothing was committed")


def unless_stopped(run: Run, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yields rows that are being committed, and looks at the last moment whether the run was stopped.

    Raises:
        NothingCommittedError: It was stopped.
        ReadError: The store does not answer.
    """
    yield from batches
    refuse_if_stopped(run)
