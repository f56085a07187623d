"""One heartbeat: the file that running work leaves, and whether the process that left it is still there."""

import contextlib
import datetime
import json
import os
import socket
from dataclasses import dataclass
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
    """

    run_id: str
    seen: str
    host: str
    pid: int
    process_started: str
    shard: Shard | None = None

    @classmethod
    def now(cls, run_id: str, shard: Shard | None = None) -> "Heartbeat":
        """Returns a heartbeat of this process."""
        moment = datetime.datetime.now(datetime.UTC).isoformat()
        return cls(run_id, moment, _host(), os.getpid(), _process_start(os.getpid()), shard)

    @classmethod
    def from_json(cls, data: bytes) -> "Heartbeat":
        """Reads a heartbeat's file, which may hold more.

        Raises:
            ValueError: It is not a heartbeat: not JSON, or a value is missing or of another type.
        """
        values = typed(dict, parsed(data), "heartbeat")
        run_id, seen, host, process_started = (typed(str, values.get(name), name) for name in _TEXTS)
        shard = Shard.parsed(typed(str, values["shard"], "shard")) if "shard" in values else None
        beat = cls(run_id, seen, host, typed(int, values.get("pid"), "pid"), process_started, shard)
        if beat.seen_at.tzinfo is None or not WORK_ID.fullmatch(beat.run_id):
            raise ValueError("seen has no time zone, or run_id is not an id")
        return beat

    def to_json(self) -> bytes:
        """Returns the content of the heartbeat's file."""
        values = {"run_id": self.run_id, "seen": self.seen, "host": self.host, "pid": self.pid}
        shard = {} if self.shard is None else {"shard": str(self.shard)}
        return json.dumps(values | {"born": self.process_started} | shard).encode()

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

        A heartbeat from the future is as good as none: its clock, or this one, is wrong, and it could hold the output
        for days. That no photograph gets two rows rests on the commit alone.
        """
        if abs(now - self.seen_at) > STALE_AFTER:
            return True
        return self.host == _host() and _process_start(self.pid) != self.process_started


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
