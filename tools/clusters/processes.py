"""Processes of a cluster: started in the background, found again, and ended with all that they have started."""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.clusters.versions import ClusterError

# In the environment of every process of a cluster, also of those that its own processes start.
MARK = "MELANOMA_CLUSTER"
_END_SECONDS = 10.0


@dataclass(frozen=True)
class Part:
    """A process of a cluster.

    Attributes:
        name: Name, for example `task-manager-1`.
        command: Program and its arguments.
        core: Processor to which it and all that it starts is bound; None leaves it free.
    """

    name: str
    command: tuple[str, ...]
    core: int | None = None


class Processes:
    """Processes that were started under one folder, which holds their temporary files and logs."""

    def __init__(self, folder: Path, logs: Path) -> None:
        """Attributes as they are given.

        Args:
            folder: Folder of what lives as long as the processes.
            logs: Folder of their logs, which stays.
        """
        self.folder = folder
        self.logs = logs
        self._file = folder / "processes.json"

    def start(self, part: Part, environment: Mapping[str, str]) -> None:
        """Starts a process in a session of its own."""
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        pinned = () if part.core is None else ("taskset", "-c", str(part.core))
        with (self.logs / f"{part.name}.log").open("ab") as log:
            started = subprocess.Popen(
                [*pinned, *part.command],
                cwd=self.folder,
                env={**os.environ, **environment, MARK: str(self.folder), "TMPDIR": str(temporary)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._file.write_text(json.dumps([*self._started(), [part.name, started.pid]]))

    def _started(self) -> list[tuple[str, int]]:
        return [(name, pid) for name, pid in json.loads(self._file.read_text())] if self._file.exists() else []

    def find(self, name: str) -> psutil.Process | None:
        """Returns the newest process of a part, or None if it has ended."""
        for pid in [pid for part, pid in self._started() if part == name][-1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                return process if process.status() != psutil.STATUS_ZOMBIE and _has_mark(process, self.folder) else None
        return None

    def all(self) -> list[psutil.Process]:
        """Returns every process that was started here, and all that these have started."""
        sessions = {pid for _, pid in self._started()}
        return [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid()
            and (_has_mark(process, self.folder) or _session(process) in sessions)
            and _status(process) not in (psutil.STATUS_ZOMBIE, "")
        ]

    def end(self, processes: Iterable[psutil.Process] | None = None) -> None:
        """Ends processes, by default all: politely first, then by force."""
        ending = list(self.all() if processes is None else processes)
        for process in ending:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(ending, timeout=_END_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=_END_SECONDS)


def _has_mark(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get(MARK) == str(folder)
    except (psutil.Error, OSError):
        return False


def _session(process: psutil.Process) -> int:
    with contextlib.suppress(OSError):
        return os.getsid(process.pid)
    return 0


def _status(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return str(process.status())
    return ""


def require_free(ports: Sequence[int]) -> None:
    """Checks that nobody listens on some ports of the loopback.

    Raises:
        ClusterError: Somebody does; it says who, as far as this user may know.
    """
    taken = [f"{port}{_owner(port)}" for port in ports if not is_free(port)]
    if taken:
        raise ClusterError(f"taken ports: {', '.join(taken)}; end what listens there, then start again")


def is_free(port: int) -> bool:
    """Returns whether a port of the loopback can be listened on."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are closing do not count
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens_there = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,)
            if listens_there and connection.pid:
                return f" (by process {connection.pid}, {psutil.Process(connection.pid).name()})"
    return ""


def listens(port: int) -> bool:
    """Returns whether something accepts connections at a port of the loopback."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def wait_until(what: str, condition: Callable[[], bool], seconds: float, logs: Path) -> None:
    """Waits for something.

    Raises:
        ClusterError: It does not come about in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise ClusterError(f"{what} did not come about within {seconds:.0f} seconds; see the logs in {logs}")
