"""Signs of life of running nights, by which a second start on the same output sees the first."""

import contextlib
import datetime
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from melanoma import storage
from melanoma.errors import MelanomaError, NothingCommittedError, ReadError
from melanoma.runs.run import RUN_ID
from melanoma.table.layout import OutputLayout

DEAD_AFTER = datetime.timedelta(minutes=10)
_EVERY_SECONDS = 30.0
_YIELD_SECONDS = 5.0  # for one that began later to give way; it looks as soon as it has given its own sign
_PATIENCE_SECONDS = 2.0  # with a beat that is under way at the end, in a store that does not answer


@dataclass(frozen=True)
class Heartbeat:
    """What a running night, or somebody who changes the table, says of itself.

    Attributes:
        run_id: Of its first run, or its start and what is done to the table.
        seen: UTC, ISO: when it was last alive.
        host: Name and boot of its machine, and its space of process numbers.
        pid: Of its process there.
        born: When that process started, as the machine counts; tells it from a later one of the same number.
    """

    run_id: str
    seen: str
    host: str
    pid: int
    born: str

    @property
    def is_night(self) -> bool:
        """Tells a night from upkeep of the table."""
        return RUN_ID.fullmatch(self.run_id) is not None

    @property
    def since(self) -> str:
        """When it was last alive, for people."""
        return self.seen[:19].replace("T", " ") + " UTC"

    def is_alive(self, now: datetime.datetime) -> bool:
        """Tells whether the night may still be running: not if silent for ten minutes, or known to be gone."""
        if now - datetime.datetime.fromisoformat(self.seen) > DEAD_AFTER:
            return False
        return self.host != _host() or _born(self.pid) == self.born


def active(layout: OutputLayout) -> list[Heartbeat]:
    """Gives the nights that may be running on an output, the one that began first at the front.

    Raises:
        NothingCommittedError: The store does not answer.
    """
    now = datetime.datetime.now(datetime.UTC)
    return [beat for beat in _all(layout) if beat.is_alive(now)]


def refuse_beside_a_night(layout: OutputLayout) -> None:
    """Refuses to go on while a night runs on an output.

    Raises:
        NothingCommittedError: One does.
    """
    if beats := active(layout):
        raise NothingCommittedError(_in_the_way(beats[0]))


def dead(layout: OutputLayout) -> list[Heartbeat]:
    """Gives the nights that died on an output without a word."""
    now = datetime.datetime.now(datetime.UTC)
    return [beat for beat in _all(layout) if not beat.is_alive(now)]


def bury(layout: OutputLayout, beat: Heartbeat) -> None:
    """Removes the last sign of life of a dead night."""
    storage.remove(layout.heartbeat(beat.run_id))


@contextlib.contextmanager
def beating(layout: OutputLayout, run_id: str) -> Iterator[None]:
    """Gives signs of life while the block runs; of two that start at once one goes on, or none, but never both.

    The one with the larger id gives way. The other one waits for that: what stays has not seen it, and is running.

    Args:
        layout: Of the output folder.
        run_id: Of the night's first run, or another name that begins with the time.

    Raises:
        NothingCommittedError: Somebody else is at work on that output.
    """
    _beat(layout, run_id)
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_beating, args=(layout, run_id, stop), daemon=True, name="heartbeat")
    try:
        # Only after its own sign: of two that start at once at least one sees the other.
        if other := _who_stays(layout, run_id):
            raise NothingCommittedError(_in_the_way(other))
        keeper.start()
        yield
    finally:
        stop.set()
        if keeper.ident:
            keeper.join(_PATIENCE_SECONDS)
        silence(layout, run_id)


def _who_stays(layout: OutputLayout, run_id: str) -> Heartbeat | None:
    until = time.monotonic() + _YIELD_SECONDS
    while others := [beat for beat in active(layout) if beat.run_id != run_id]:
        if others[0].run_id < run_id or time.monotonic() > until:
            return others[0]
        time.sleep(0.2)
    return None


def silence(layout: OutputLayout, run_id: str) -> None:
    """Takes a night's sign of life away: it has ended."""
    storage.remove(layout.heartbeat(run_id))


def _keep_beating(layout: OutputLayout, run_id: str, stop: threading.Event) -> None:
    while not stop.wait(_EVERY_SECONDS):
        with contextlib.suppress(MelanomaError):  # the next one may come through
            _beat(layout, run_id)
    silence(layout, run_id)  # whoever waited may have given up on a beat that was under way


def _beat(layout: OutputLayout, run_id: str) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    beat = Heartbeat(run_id, now, _host(), os.getpid(), _born(os.getpid()))
    storage.write_bytes(layout.heartbeat(run_id), json.dumps(asdict(beat)).encode())


def _all(layout: OutputLayout) -> list[Heartbeat]:
    beats = []
    try:
        if storage.exists(layout.active):
            for stored in storage.list_files(layout.active):
                with contextlib.suppress(ReadError, ValueError, TypeError):  # gone meanwhile, or no heartbeat
                    beats.append(Heartbeat(**json.loads(storage.read_bytes(stored.uri))))
    except ReadError as error:
        raise NothingCommittedError(f"{layout}: running nights cannot be looked for: {error.detail}") from None
    return sorted(beats, key=lambda beat: beat.run_id)


def _in_the_way(beat: Heartbeat) -> str:
    until = datetime.datetime.fromisoformat(beat.seen) + DEAD_AFTER
    return (
        f"run {beat.run_id} is active on this output (host {beat.host.split('/')[0]}, process {beat.pid}, last alive "
        f"{beat.since}); if it has died, a start after {until:%H:%M} UTC goes on from there; nothing was read"
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


def _born(pid: int) -> str:
    """Gives when a process of this machine started; empty if there is none, or the system does not say."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""
