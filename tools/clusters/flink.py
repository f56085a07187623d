"""A standalone cluster of Flink: a job manager and two task managers of one slot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.clusters import downloads, programs
from tools.clusters.engine import OPENS, WORKERS, Engine, core, job_server_options
from tools.clusters.processes import Part

_REST_PORT = 8081
_CONFIG = """\
jobmanager.rpc.address: 127.0.0.1
jobmanager.bind-host: 127.0.0.1
jobmanager.rpc.port: 6123
jobmanager.memory.heap.size: 512m
jobmanager.memory.off-heap.size: 128m
jobmanager.memory.jvm-metaspace.size: 256m
jobmanager.memory.jvm-overhead.min: 192m
jobmanager.memory.jvm-overhead.max: 192m
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest_port}
blob.server.port: 6124
taskmanager.bind-host: 127.0.0.1
taskmanager.host: 127.0.0.1
taskmanager.numberOfTaskSlots: 1
taskmanager.cpu.cores: 1.0
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.task.heap.size: 512m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.off-heap.size: 128m
taskmanager.memory.managed.size: 256m
taskmanager.memory.network.min: 128m
taskmanager.memory.network.max: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
parallelism.default: 1
io.tmp.dirs: {folder}/tmp
web.tmpdir: {folder}/tmp
jobmanager.archive.fs.dir: file://{folder}/tmp
# A killed task manager is missed after ten seconds.
heartbeat.interval: 2000
heartbeat.timeout: 10000
# For jobs that come through the job server beside the cluster: a job of Beam's cannot ask for it.
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 5
restart-strategy.fixed-delay.delay: 2s
# Beam's classes are in lib/ and not loaded anew for each job: only so does Flink keep a worker from stage to stage.
classloader.resolve-order: parent-first
"""
_LOG = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %-40c{1} %m%n
"""


class Flink(Engine):
    """A standalone cluster of Flink."""

    name = "flink"
    ports = (_REST_PORT, 6123, 6124)
    overview = f"http://127.0.0.1:{_REST_PORT}/overview"
    master_options = ("--runner=FlinkRunner", f"--flink_master=127.0.0.1:{_REST_PORT}")

    def fetch(self) -> None:
        """Downloads Flink, and builds Beam's job server, once."""
        programs.java()
        downloads.jars("flink")
        downloads.job_server("flink")

    def configure(self, folder: Path) -> None:
        """Writes Flink's configuration as well."""
        super().configure(folder)
        (folder / "config.yaml").write_text(_CONFIG.format(rest_port=_REST_PORT, folder=folder))
        (folder / "log4j2.properties").write_text(_LOG)

    def parts(self, folder: Path) -> Sequence[Part]:
        """Returns a job manager, task managers, and Beam's job server."""
        return (
            Part(
                "job-manager",
                _java(folder, "StandaloneSessionClusterEntrypoint", 512, "--executionMode", "cluster"),
            ),
            *(
                Part(f"task-manager-{number}", _task_manager(folder, number), core(number - 1))
                for number in range(1, WORKERS + 1)
            ),
            Part("job-server", _job_server(folder)),
        )

    def line(self, folder: Path) -> list[str]:
        """Returns the options of a user who has no job server: the run starts one of its own, and ends it."""
        return [*self.master_options, f"--flink_job_server_jar={downloads.job_server('flink')}"]

    def staged_jar(self) -> Path:
        """Returns a jar, since one has to be sent; Beam's classes are there already."""
        return downloads.job_server("flink", "empty.jar")

    def ready_workers(self, overview: dict[str, Any]) -> int:
        """Returns the number of task managers."""
        return int(overview["taskmanagers"])

    def running_jobs(self, overview: dict[str, Any]) -> int:
        """Returns the number of jobs that run or are restarting."""
        return int(overview["jobs-running"])


def _java(folder: Path, entry: str, heap: int, *words: str) -> tuple[str, ...]:
    classes = f"{downloads.jars('flink')}/*:{downloads.job_server('flink', 'lib.jar')}"
    package = "entrypoint" if "Entrypoint" in entry else "taskexecutor"
    return (
        *(programs.java(), *OPENS, f"-Xmx{heap}m", "-XX:MaxMetaspaceSize=256m", "-cp", classes),
        f"-Dlog4j2.configurationFile=file:{folder}/log4j2.properties",
        f"org.apache.flink.runtime.{package}.{entry}",
        *("--configDir", str(folder), *words),
    )


def _task_manager(folder: Path, number: int) -> tuple[str, ...]:
    words = _java(folder, "TaskManagerRunner", 640, "-D", f"taskmanager.resource-id=task-manager-{number}")
    return (words[0], "-XX:MaxDirectMemorySize=384m", *words[1:])


def _job_server(folder: Path) -> tuple[str, ...]:
    return (
        *(programs.java(), "-Xmx768m", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
        *("-jar", str(downloads.job_server("flink"))),
        f"--flink-master=127.0.0.1:{_REST_PORT}",
        *job_server_options(folder),
    )
