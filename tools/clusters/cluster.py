"""A cluster as a whole: up, down, and a process of it killed and started again."""

import shutil
from collections.abc import Mapping

from tools.clusters import downloads
from tools.clusters.engine import ARTIFACT_PORT, JOB_PORT, WORKERS, Engine
from tools.clusters.flink import Flink
from tools.clusters.processes import Part, Processes, is_free, listens, require_free, wait_until
from tools.clusters.spark import Spark
from tools.clusters.versions import ClusterError

ENGINES: dict[str, type[Engine]] = {"flink": Flink, "spark": Spark}
_START_SECONDS = 120.0
_END_SECONDS = 30.0


class Cluster:
    """A cluster on the loopback, by the name of its engine.

    Attributes:
        engine: What it consists of.
        folder: Folder of everything that lives as long as it; it is there while the cluster is up.
        processes: Its processes.
    """

    def __init__(self, name: str) -> None:
        """A cluster, whether it is up or not."""
        self.engine = ENGINES[name]()
        self.folder = downloads.CACHE / "run" / name
        self.processes = Processes(self.folder, downloads.CACHE / "logs" / name)

    @property
    def ports(self) -> tuple[int, ...]:
        """Ports on which it listens."""
        return (*self.engine.ports, JOB_PORT, ARTIFACT_PORT)

    @property
    def is_up(self) -> bool:
        """Whether all its processes are there and know each other."""
        return self.folder.exists() and self._is_ready()

    def up(self) -> bool:
        """Starts the cluster; returns False if it is up already.

        Raises:
            ClusterError: Something is missing, a port is taken, or it does not start; then nothing of it is left.
        """
        if self.is_up:
            return False
        self.down()
        self.engine.fetch()
        require_free(self.ports)
        shutil.rmtree(self.processes.logs, ignore_errors=True)
        self.engine.configure(self.folder)
        try:
            for part in self.engine.parts(self.folder):
                self.start(part.name)
            self.wait()
        except BaseException:
            self.down()
            raise
        return True

    def start(self, name: str) -> None:
        """Starts one of its processes, for example one that was killed."""
        self.processes.start(self._part(name), self.engine.environment())

    def kill(self, name: str) -> None:
        """Kills one of its processes, which gets no chance to end what it has started."""
        if process := self.processes.find(name):
            process.kill()
            process.wait(_END_SECONDS)

    def restore(self) -> None:
        """Starts again what of it was killed, and waits until it is whole.

        Raises:
            ClusterError: It does not get whole in time.
        """
        for part in self.engine.parts(self.folder):
            if self.processes.find(part.name) is None:
                self.start(part.name)
        self.wait()

    def wait(self) -> None:
        """Waits until all its processes are there and know each other.

        Raises:
            ClusterError: That takes too long.
        """
        wait_until(f"a ready cluster of {self.engine.name}", self._is_ready, _START_SECONDS, self.processes.logs)

    def down(self) -> bool:
        """Ends the cluster and all that its processes have started; returns False if there was none.

        Raises:
            ClusterError: A process cannot be ended.
        """
        was_there = self.folder.exists()
        self.processes.end()
        if alive := self.processes.all():
            numbers = ", ".join(str(process.pid) for process in alive)
            raise ClusterError(f"these processes of the cluster could not be ended: {numbers}")
        if was_there:
            shutil.rmtree(self.folder)
            wait_until("free ports", lambda: all(map(is_free, self.ports)), _END_SECONDS, self.processes.logs)
        return was_there

    def jobs(self) -> int:
        """Returns the number of jobs that run on it."""
        return self.engine.jobs()

    @property
    def worker_names(self) -> tuple[str, ...]:
        """Names of the processes that stand for its worker machines."""
        return tuple(part.name for part in self.engine.parts(self.folder)[1 : 1 + WORKERS])

    def beam_options(self, variables: Mapping[str, str] | None = None) -> list[str]:
        """Returns Beam's options that lead to its job server, and give variables to the workers."""
        return self.engine.beam_options(variables)

    def line(self) -> list[str]:
        """Returns the options of a user who has no job server: the run starts one of its own, and ends it."""
        return self.engine.line(self.folder)

    def _part(self, name: str) -> Part:
        return next(part for part in self.engine.parts(self.folder) if part.name == name)

    def _is_ready(self) -> bool:
        names = (part.name for part in self.engine.parts(self.folder))
        return all(map(self.processes.find, names)) and self.engine.workers() == WORKERS and listens(JOB_PORT)
