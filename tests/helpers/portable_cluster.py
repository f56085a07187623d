"""A cluster as small as Beam has one: its own job server in Python, and worker processes outside of the launcher.

The job server's `Cancel` only says that a job was cancelled; the job goes on. So a run that is stopped there shows what
keeps workers from committing where nobody else ends them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers import ROOT
from tests.helpers.ports import free_port, wait_for_port

_MODULE = "apache_beam.runners"


@dataclass(frozen=True)
class PortableCluster:
    """A job server and a pool of worker processes on the loopback.

    Attributes:
        job_server: The job server.
        pool: What starts worker processes.
        options: Options for Beam that lead to it.
    """

    job_server: subprocess.Popen[bytes]
    pool: subprocess.Popen[bytes]
    options: tuple[str, ...]


@contextmanager
def portable_cluster(folder: Path) -> Iterator[PortableCluster]:
    """Starts a cluster, and ends it after the block.

    Args:
        folder: For its files.
    """
    program = folder / "melanoma-worker"
    program.write_text(f"#!{sys.executable}\nfrom jobs.nightly.worker import start\nstart()\n")
    program.chmod(0o755)
    server_port, pool_port = free_port(), free_port()
    server = _begin(folder, "portability.local_job_service_main", "-p", str(server_port))
    pool = _begin(folder, "worker.worker_pool_main", f"--service_port={pool_port}", f"--container_executable={program}")
    try:
        wait_for_port(server_port)
        wait_for_port(pool_port)
        where = (f"--job_endpoint=localhost:{server_port}", f"--environment_config=localhost:{pool_port}")
        yield PortableCluster(server, pool, ("--runner=PortableRunner", "--environment_type=EXTERNAL", *where))
    finally:
        for process in (server, pool):
            process.kill()
            process.wait()


def _begin(folder: Path, module: str, *words: str) -> subprocess.Popen[bytes]:
    with (folder / f"{module}.log").open("wb") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
        command = [sys.executable, "-m", f"{_MODULE}.{module}", *words]
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
