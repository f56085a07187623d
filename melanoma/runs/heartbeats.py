"""Heartbeats of running work on a table, by which a second start on the same output sees the first."""

import contextlib
import datetime
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from melanoma import storage
from melanoma.errors import ErrorKind, MelanomaError, NothingCommittedError, ReadError, UsageError
from melanoma.runs.heartbeat import MAX_BYTES, STALE_AFTER, Heartbeat
from melanoma.runs.stored_records import stored_record
from melanoma.shards import Shard
from melanoma.storage.errors import with_advice
from melanoma.table.layout import OutputLayout

_EVERY_SECONDS = 30.0
_YIELD_SECONDS = 5.0  # for one that began later to give way; it looks for others right after its first heartbeat
_JOIN_SECONDS = 2.0  # for a heartbeat that is being written at the end, to a store that does not answer


def active(layout: OutputLayout, shard: Shard | None = None) -> list[Heartbeat]:
    """Returns the heartbeats of what may be running on an output, the one that began first at the front.

    Args:
        layout: Of the output folder.
        shard: Of a run that wants to start; what may be active beside it is left out. None leaves nothing out.

    Raises:
        UsageError: The store refuses access, or cannot have a folder of this name.
        NothingCommittedError: The store does not answer.
    """
    beats = [beat for beat in _all(layout) if not _is_stale(layout, beat)]
    return [beat for beat in beats if shard is None or not shard.is_beside(beat.shard)]


def stale(layout: OutputLayout) -> list[Heartbeat]:
    """Returns the heartbeats of what has died on an output.

    Raises:
        UsageError: The store refuses access, or cannot have a folder of this name.
        NothingCommittedError: The store does not answer.
    """
    return [beat for beat in _all(layout) if _is_stale(layout, beat)]


def refuse_if_active(layout: OutputLayout, shard: Shard | None = None) -> None:
    """Refuses to go on while something runs on an output.

    Args:
        layout: Of the output folder.
        shard: The share of the photographs to score, beside which other shards may run; None for other work.

    Raises:
        NothingCommittedError: Something does, or the store does not answer.
    """
    if beats := active(layout, shard):
        raise NothingCommittedError(_in_the_way(beats[0], shard))


def remove(layout: OutputLayout, run_id: str) -> None:
    """Removes a heartbeat."""
    storage.remove(layout.heartbeat(run_id))


def keep(layout: OutputLayout, run_id: str) -> None:
    """Leaves a heartbeat for a process that may have ended before its workers, unless that has removed its own.

    Raises:
        MelanomaError: The store does not take it.
        ReadError: The store does not answer.
    """
    uri = layout.heartbeat(run_id)
    if storage.exists(uri):
        with contextlib.suppress(ValueError):  # not ours
            storage.write_bytes(uri, Heartbeat.from_json(storage.read_small(uri, MAX_BYTES)).again().to_json())


@contextlib.contextmanager
def beating(
    layout: OutputLayout, run_id: str, shard: Shard | None = None, outliving: Sequence[str] = ()
) -> Iterator[None]:
    """Leaves heartbeats while the block runs; of two that start at once one goes on, or none, but never both.

    The one with the larger id gives way, and the other one waits for that. An active heartbeat that does not go away
    belongs to work that began before this one could be seen.

    Args:
        layout: Of the output folder.
        run_id: Id of the first run, or another name that begins with the time.
        shard: The share of the photographs that it scores, beside which other shards may run; None for other work.
        outliving: Ids of the runs whose workers may outlive this process.

    Raises:
        NothingCommittedError: Something else is active on that output.
    """
    stop = threading.Event()
    stop = threading.Event()
    beat = partial(_beat, layout, run_id, shard, outliving)
    keeper = threading.Thread(target=_keep_beating, args=(layout, run_id, beat, stop), daemon=True, name="heartbeat")
    try:
        beat()  # in here: a signal may come as soon as the file is there
        # Only after its own heartbeat: of two that start at once at least one sees the other.
        if other := _wait_for_others(layout, run_id, shard):
            raise NothingCommittedError(_in_the_way(other, shard))
        keeper.start()
        yield
    finally:
        stop.set()
        if keeper.ident:
            keeper.join(_JOIN_SECONDS)
        remove(layout, run_id)


def _wait_for_others(layout: OutputLayout, run_id: str, shard: Shard | None) -> Heartbeat | None:
    """Waits for others to give way; returns the one that does not."""
    until = time.monotonic() + _YIELD_SECONDS
    while others := [beat for beat in active(layout, shard) if beat.run_id != run_id]:
        if others[0].run_id < run_id or time.monotonic() > until:
            return others[0]
        time.sleep(0.2)
    return None


def _keep_beating(layout: OutputLayout, run_id: str, beat: Callable[[], None], stop: threading.Event) -> None:
    while not stop.wait(_EVERY_SECONDS):
        with contextlib.suppress(MelanomaError):  # the next one may come through
            beat()
    remove(layout, run_id)  # the block's end may not have waited for a heartbeat that was being written


def _beat(layout: OutputLayout, run_id: str, shard: Shard | None, outliving: Sequence[str]) -> None:
    storage.write_bytes(layout.heartbeat(run_id), Heartbeat.now(run_id, shard, outliving).to_json())


def _is_stale(layout: OutputLayout, beat: Heartbeat) -> bool:
    """Tells whether the work of a heartbeat has ended; where its workers outlived its process, by their records."""
    if beat.is_stale(datetime.datetime.now(datetime.UTC)):
        return True
    if not beat.runs or not beat.has_lost_its_process:
        return False
    with contextlib.suppress(ReadError):
        return all(stored_record(layout, run_id) is not None for run_id in beat.runs)
    return False


def _all(layout: OutputLayout) -> list[Heartbeat]:
    beats = list[Heartbeat]()
    try:
        if storage.exists(layout.active):
            for stored in storage.list_files(layout.active):
                # It may be gone meanwhile, or not be a heartbeat.
                with contextlib.suppress(ReadError, ValueError):
                    beat = Heartbeat.from_json(storage.read_small(stored.uri, MAX_BYTES, stored))
                    # What is done about a heartbeat is done to the file of its id.
                    beats += [beat] if stored.uri == layout.heartbeat(beat.run_id) else []
    except ReadError as error:
        found = f"{layout}: cannot tell which runs are active"
        if error.kind is ErrorKind.FORBIDDEN:
            raise UsageError(f"{found}: {with_advice(error)}") from None
        if error.kind is ErrorKind.BAD_NAME:
            raise UsageError(f"{found}: {error.detail}; choose another --output") from None
        raise NothingCommittedError(f"{found}: {error.detail}") from None
    return sorted(beats, key=lambda beat: beat.run_id)


def _in_the_way(beat: Heartbeat, shard: Shard | None) -> str:
    run = f"run {beat.run_id}" + ("" if beat.shard is None else f" of shard {beat.shard}")
    host, until = beat.host.split("/")[0], beat.seen_at + STALE_AFTER
    if shard is not None and beat.shard is not None and beat.shard.total != shard.total:
        return (
            f"{run} is active on this output (host {host}), and this run is of shard {shard}: give all machines the "
            "same number of shards, and start again when that run has ended; nothing was read"
        )
    if beat.runs and beat.has_lost_its_process:
        return (
            f"{run} goes on in its cluster (last seen {beat.last_seen}), though the process that started it has ended; "
            f"start again when it has committed, or after {until:%H:%M} UTC if it is not seen again; nothing was read"
        )
    return (
        f"{run} is active on this output (host {host}, process {beat.pid}, last seen {beat.last_seen}); if it has "
        "died, a start on that host goes on at once; elsewhere, or after a reboot, start again after "
        f"{until:%H:%M} UTC; nothing was read"
    )
