"""What every kind of cluster has: ports, processes, a worker program, and options that lead to it."""

import json
import os
import sys
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.clusters import downloads
from tools.clusters.processes import Part

WORKERS = 2
JOB_PORT = 8099
ARTIFACT_PORT = 8098
# A worker outlives a stage for this long, so that the next one finds it with Python and TensorFlow loaded.
_WORKER_KEPT_MILLIS = 60_000
# Java closes its own packages to others by default; both engines and Beam look into these.
_OPENED = (
    *("lang", "lang.invoke", "lang.reflect", "io", "math", "net", "nio", "text", "time", "util", "util.concurrent"),
    *("util.concurrent.atomic", "util.concurrent.locks", "util.regex"),
)
OPENS = (
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in _OPENED),
    *(f"--add-opens=java.base/sun.{name}=ALL-UNNAMED" for name in ("nio.ch", "nio.cs", "security.action")),
)
# Beam's own program starts the workers, in this Python environment and with temporary files among those of the cluster.
_WORKER = """#!/bin/sh
export PATH='{programs}':"$PATH" PYTHONPATH='{root}' PYTHONDONTWRITEBYTECODE=1 RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
folder=$(mktemp -d)
trap 'kill "$boot"' TERM INT
'{boot}' --semi_persist_dir="$folder" "$@" &
boot=$!
while ! wait "$boot" && kill -0 "$boot" 2>/dev/null; do :; done  # a signal ends a wait as well
rm -r "$folder"
"""


class Engine(ABC):
    """A kind of cluster.

    Attributes:
        name: `flink` or `spark`.
        ports: Ports of the loopback on which it listens, without those of the job server.
        overview: Address at which its master says as JSON how it is.
    """

    name: str
    ports: tuple[int, ...]
    overview: str

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
    def staged_jar(self) -> Path:
        """Returns the jar that the job server sends to the workers with each job; by default it sends all it has."""

    def environment(self) -> dict[str, str]:
        """Returns variables for its processes."""
        return {}

    def configure(self, folder: Path) -> None:
        """Writes what its processes read into the folder of the running cluster."""
        folder.mkdir(parents=True)
        worker = folder / "worker"
        programs = Path(sys.executable).parent
        worker.write_text(
            _WORKER.format(programs=programs, root=downloads.ROOT, boot=downloads.go_program("boot")), newline="\n"
        )
        worker.chmod(0o755)

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

    def beam_options(self, folder: Path, variables: Mapping[str, str] | None = None) -> list[str]:
        """Returns Beam's options that lead `melanoma score … --` to the running cluster.

        Args:
            folder: Folder of the running cluster.
            variables: Variables for the environment of the workers.
        """
        worker = {"command": str(folder / "worker"), "env": dict(variables or {})}
        return [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{JOB_PORT}",
            "--environment_type=PROCESS",
            f"--environment_config={json.dumps(worker)}",
            f"--environment_cache_millis={_WORKER_KEPT_MILLIS}",
            f"--files_to_stage={self.staged_jar()}",
            f"--parallelism={WORKERS}",
            "--default_sdk_harness_log_level=WARN",  # as Java spells it
        ]


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
