"""One heartbeat: the file that running work leaves, and whether the process that left it is still there."""

import contextlib
import datetime
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from melanoma.ids import WORK_ID, is_run_id
from melanoma.json_values import parsed, typed
from melanoma.shards import Shard

STALE_AFTER = datetime.timedelta(minutes=10)
MAX_BYTES = 10_000  # of a heartbeat's file
_TEXTS = ("run_id", "seen", "host", "born")


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
        shard: The share of the photographs that it scores; None for all of them, and for other work.
        runs: Ids of the runs whose workers may outlive that process, as those of a cluster do; empty for all others.
    """

    run_id: str
    seen: str
    host: str
    pid: int
    process_started: str
    shard: Shard | None = None
    runs: tuple[str, ...] = ()

    @classmethod
    def now(cls, run_id: str, shard: Shard | None = None, runs: Sequence[str] = ()) -> "Heartbeat":
        """Returns a heartbeat of this process; `runs` are those whose workers may outlive it."""
        return cls(run_id, _now(), _host(), os.getpid(), _process_start(os.getpid()), shard, tuple(runs))

    def again(self) -> "Heartbeat":
        """Returns the next heartbeat of the same work, which a worker leaves for the process that it may outlive."""
        return replace(self, seen=_now())

    @classmethod
    def from_json(cls, data: bytes) -> "Heartbeat":
        """Reads a heartbeat's file, which may hold more.

        Raises:
            ValueError: It is not a heartbeat: not JSON, or a value is missing or of another type.
        """
        values = typed(dict, parsed(data), "heartbeat")
        run_id, seen, host, process_started = (typed(str, values.get(name), name) for name in _TEXTS)
        shard = Shard.parsed(typed(str, values["shard"], "shard")) if "shard" in values else None
        runs = tuple(typed(list, values.get("runs", []), "runs"))
        beat = cls(run_id, seen, host, typed(int, values.get("pid"), "pid"), process_started, shard, runs)
        if beat.seen_at.tzinfo is None or not WORK_ID.fullmatch(beat.run_id) or not all(map(is_run_id, runs)):
            raise ValueError("seen has no time zone, or run_id or one of the runs is not an id")
        return beat

    def to_json(self) -> bytes:
        """Returns the content of the heartbeat's file."""
        values = {"run_id": self.run_id, "seen": self.seen, "host": self.host, "pid": self.pid}
        optional: dict[str, object] = {} if self.shard is None else {"shard": str(self.shard)}
        optional |= {"runs": self.runs} if self.runs else {}
        return json.dumps(values | {"born": self.process_started} | optional).encode()

    @property
    def is_run(self) -> bool:
        """Whether this is a scoring run, and not maintenance of the table."""
        return is_run_id(self.run_id)

    @property
    def seen_at(self) -> datetime.datetime:
        """When it was last alive."""
        return datetime.datetime.fromisoformat(self.seen)

    @property
    def last_seen(self) -> str:
        """When it was last alive, for people."""
        return self.seen[:19].replace("T", " ") + " UTC"

    def is_stale(self, now: datetime.datetime) -> bool:
        """Tells whether its work has ended without removing it: silent for ten minutes, or known to be gone.

        Workers that outlive its process go on, so that only their silence tells.

        A heartbeat from the future is as good as none: its clock, or this one, is wrong, and it could hold the output
        for days. That no photograph gets two rows rests on the commit alone.
        """
        if abs(now - self.seen_at) > STALE_AFTER:
            return True
        return not self.runs and self.has_lost_its_process

    @property
    def has_lost_its_process(self) -> bool:
        """Whether its process was one of this machine, and has ended."""
        return self.host == _host() and _process_start(self.pid) != self.process_started


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()


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
