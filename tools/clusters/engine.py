"""What every kind of cluster has: ports, processes, a worker program, and options that lead to it."""

import json
import os
import sys
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.clusters.processes import Part

WORKERS = 2
JOB_PORT = 8099
ARTIFACT_PORT = 8098
# Java closes its own packages to others by default; both engines and Beam look into these.
_OPENED = (
    *("lang", "lang.invoke", "lang.reflect", "io", "math", "net", "nio", "text", "time", "util", "util.concurrent"),
    *("util.concurrent.atomic", "util.concurrent.locks", "util.regex"),
)
OPENS = (
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in _OPENED),
    *(f"--add-opens=java.base/sun.{name}=ALL-UNNAMED" for name in ("nio.ch", "nio.cs", "security.action")),
)


class Engine(ABC):
    """A kind of cluster.

    Attributes:
        name: `flink` or `spark`.
        ports: Ports of the loopback on which it listens, without those of the job server.
        overview: Address at which its master says as JSON how it is.
        master_options: Beam's options that name its master.
    """

    name: str
    ports: tuple[int, ...]
    overview: str
    master_options: tuple[str, ...]

    @abstractmethod
    def fetch(self) -> None:
        """Downloads and builds what it is made of, once."""

    @abstractmethod
    def parts(self, folder: Path) -> Sequence[Part]:
        """Returns its processes, in the order of their start: the master, the workers, Beam's job server."""

    @abstractmethod
    def ready_workers(self, overview: dict[str, Any]) -> int:
        """Returns the number of workers that the master knows."""

    @abstractmethod
    def running_jobs(self, overview: dict[str, Any]) -> int:
        """Returns the number of jobs that have not ended."""

    @abstractmethod
    def line(self, folder: Path) -> list[str]:
        """Returns the options of a user who has no job server: the run starts one of its own, and ends it."""

    @abstractmethod
    def staged_jar(self) -> Path:
        """Returns the jar that the job server sends to the workers with each job; by default it sends all it has."""

    def environment(self) -> dict[str, str]:
        """Returns variables for its processes."""
        return {}

    def configure(self, folder: Path) -> None:
        """Writes what its processes read into the folder of the running cluster."""
        folder.mkdir(parents=True)

    def workers(self) -> int:
        """Returns the number of workers that the master knows; 0 while it does not answer."""
        overview = self._overview()
        return self.ready_workers(overview) if overview else 0

    def _overview(self) -> dict[str, Any]:
        """Returns what the master says of itself; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(self.overview, timeout=2) as answer:  # noqa: S310 - our own address
                return dict(json.load(answer))
        except (OSError, ValueError):
            return {}

    def jobs(self) -> int:
        """Returns the number of jobs that run; 0 while the master does not answer."""
        overview = self._overview()
        return self.running_jobs(overview) if overview else 0

    def beam_options(self, variables: Mapping[str, str] | None = None) -> list[str]:
        """Returns Beam's options that lead `melanoma score … --` to the cluster, through the job server that is up.

        Args:
            variables: Variables for the environment of the workers.
        """
        words = [*self.master_options, f"--job_endpoint=localhost:{JOB_PORT}", f"--files_to_stage={self.staged_jar()}"]
        if variables:
            worker = {"command": str(Path(sys.executable).with_name("melanoma-worker")), "env": dict(variables)}
            words += ["--environment_type=PROCESS", f"--environment_config={json.dumps(worker)}"]
        return words


def core(number: int) -> int:
    """Returns the processor of a worker: as on small machines, each has one, as long as there are enough."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[number % len(cores)]


def job_server_options(folder: Path) -> tuple[str, ...]:
    """Returns the options of Beam's job server that do not depend on the engine."""
    return (
        "--job-host=localhost",
        f"--job-port={JOB_PORT}",
        f"--artifact-port={ARTIFACT_PORT}",
        "--expansion-port=0",
        f"--artifacts-dir={folder / 'tmp' / 'artifacts'}",
    )
