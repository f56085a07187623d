"""Heartbeats of running work on a table, by which a second start on the same output sees the first."""

import contextlib
import datetime
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, ReadError
from melanoma.runs.run import RUN_ID
from melanoma.table.layout import OutputLayout

STALE_AFTER = datetime.timedelta(minutes=10)
_EVERY_SECONDS = 30.0
_YIELD_SECONDS = 5.0  # for one that began later to give way; it looks as soon as it has left its own heartbeat
_JOIN_SECONDS = 2.0  # for a heartbeat that is being written at the end, to a store that does not answer


@dataclass(frozen=True)
class Heartbeat:
    """What a run, or work on the table, leaves as long as it is active.

    Attributes:
        run_id: Id of its first run, or its start and what is done to the table.
        seen: UTC, ISO: when it was last alive.
        host: Name and boot of its machine, and its space of process numbers.
        pid: Its process there.
        process_started: When that process started, in the machine's own count; tells it from a later process with the
            same number.
    """

    run_id: str
    seen: str
    host: str
    pid: int
    process_started: str

    @classmethod
    def now(cls, run_id: str) -> "Heartbeat":
        """Returns a heartbeat of this process."""
        moment = datetime.datetime.now(datetime.UTC).isoformat()
        return cls(run_id, moment, _host(), os.getpid(), _process_start(os.getpid()))

    @classmethod
    def from_json(cls, data: bytes) -> "Heartbeat":
        """Reads a heartbeat's file.

        Raises:
            ValueError: The file is not JSON.
            KeyError: A value is missing.
            TypeError: The file holds something else.
        """
        values = json.loads(data)
        return cls(values["run_id"], values["seen"], values["host"], values["pid"], values["born"])

    def to_json(self) -> bytes:
        """Returns the content of the heartbeat's file."""
        values = {"run_id": self.run_id, "seen": self.seen, "host": self.host, "pid": self.pid}
        return json.dumps(values | {"born": self.process_started}).encode()

    @property
    def is_run(self) -> bool:
        """Whether this is a scoring run, and not maintenance of the table."""
        return RUN_ID.fullmatch(self.run_id) is not None

    @property
    def last_seen(self) -> str:
        """When it was last alive, for people."""
        return self.seen[:19].replace("T", " ") + " UTC"

    def is_stale(self, now: datetime.datetime) -> bool:
        """Tells whether its work has ended without removing it: silent for ten minutes, or known to be gone."""
        if now - datetime.datetime.fromisoformat(self.seen) > STALE_AFTER:
            return True
        return self.host == _host() and _process_start(self.pid) != self.process_started


def active(layout: OutputLayout) -> list[Heartbeat]:
    """Returns the heartbeats of what may be running on an output, the one that began first at the front.

    Raises:
        NothingCommittedError: The store does not answer.
    """
    now = datetime.datetime.now(datetime.UTC)
    return [beat for beat in _all(layout) if not beat.is_stale(now)]


def stale(layout: OutputLayout) -> list[Heartbeat]:
    """Returns the heartbeats of what has died on an output.

    Raises:
        NothingCommittedError: The store does not answer.
    """
    now = datetime.datetime.now(datetime.UTC)
    return [beat for beat in _all(layout) if beat.is_stale(now)]


def refuse_if_active(layout: OutputLayout) -> None:
    """Refuses to go on while something runs on an output.

    Raises:
        NothingCommittedError: Something does, or the store does not answer.
    """
    if beats := active(layout):
        raise NothingCommittedError(_in_the_way(beats[0]))


def remove(layout: OutputLayout, run_id: str) -> None:
    """Removes a heartbeat."""
    storage.remove(layout.heartbeat(run_id))


@contextlib.contextmanager
def beating(layout: OutputLayout, run_id: str) -> Iterator[None]:
    """Leaves heartbeats while the block runs; of two that start at once one goes on, or none, but never both.

    The one with the larger id gives way, and the other one waits for that. An active heartbeat that does not go away
    belongs to work that began before this one could be seen.

    Args:
        layout: Of the output folder.
        run_id: Id of the first run, or another name that begins with the time.

    Raises:
        NothingCommittedError: Something else is active on that output.
    """
    _beat(layout, run_id)
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_beating, args=(layout, run_id, stop), daemon=True, name="heartbeat")
    try:
        # Only after its own heartbeat: of two that start at once at least one sees the other.
        if other := _wait_for_others(layout, run_id):
            raise NothingCommittedError(_in_the_way(other))
        keeper.start()
        yield
    finally:
        stop.set()
        if keeper.ident:
            keeper.join(_JOIN_SECONDS)
        remove(layout, run_id)


def _wait_for_others(layout: OutputLayout, run_id: str) -> Heartbeat | None:
    """Waits for others to give way; returns the one that does not."""
    until = time.monotonic() + _YIELD_SECONDS
    while others := [beat for beat in active(layout) if beat.run_id != run_id]:
        if others[0].run_id < run_id or time.monotonic() > until:
            return others[0]
        time.sleep(0.2)
    return None


def _keep_beating(layout: OutputLayout, run_id: str, stop: threading.Event) -> None:
    while not stop.wait(_EVERY_SECONDS):
        with contextlib.suppress(MelanomaError):  # the next one may come through
            _beat(layout, run_id)
    remove(layout, run_id)  # the block's end may not have waited for a heartbeat that was being written


def _beat(layout: OutputLayout, run_id: str) -> None:
    storage.write_bytes(layout.heartbeat(run_id), Heartbeat.now(run_id).to_json())


def _all(layout: OutputLayout) -> list[Heartbeat]:
    beats = []
    try:
        if storage.exists(layout.active):
            for stored in storage.list_files(layout.active):
                # It may be gone meanwhile, or not be a heartbeat.
                with contextlib.suppress(ReadError, ValueError, TypeError, KeyError):
                    beats.append(Heartbeat.from_json(storage.read_bytes(stored.uri)))
    except ReadError as error:
        raise NothingCommittedError(f"{layout}: cannot tell which runs are active: {error.detail}") from None
    return sorted(beats, key=lambda beat: beat.run_id)


def _in_the_way(beat: Heartbeat) -> str:
    until = datetime.datetime.fromisoformat(beat.seen) + STALE_AFTER
    return (
        f"run {beat.run_id} is active on this output (host {beat.host.split('/')[0]}, process {beat.pid}, last seen "
        f"{beat.last_seen}); if it has died, start again after {until:%H:%M} UTC; nothing was read"
    )


def _host() -> str:
    """Names this machine, its boot, and the space in which its process numbers count: a container has its own."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts += [
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            str(Path("/proc/self/ns/pid").readlink()),
        ]
    return "/".join(parts)


def _process_start(pid: int) -> str:
    """Returns when a process of this machine started; empty if there is none, or the system does not say."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""
