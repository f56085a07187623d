"""A standalone cluster of Spark: a master and two workers of one processor."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.clusters import downloads, programs
from tools.clusters.engine import OPENS, WORKERS, Engine, core, job_server_options
from tools.clusters.processes import Part

_MASTER_PORT = 7077
_PAGE_PORT = 8090


class Spark(Engine):
    """A standalone cluster of Spark."""

    name = "spark"
    ports = (_MASTER_PORT, _PAGE_PORT)
    overview = f"http://127.0.0.1:{_PAGE_PORT}/json/"

    def fetch(self) -> None:
        """Downloads Spark, and builds Beam's job server and worker program, once."""
        programs.java()
        downloads.jars("spark")
        downloads.job_server("spark")
        downloads.go_program("boot")

    def environment(self) -> dict[str, str]:
        """Returns what Spark's scripts would set."""
        home = str(downloads.jars("spark").parent)
        return {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.12", "SPARK_HOME": home}

    def parts(self, folder: Path) -> Sequence[Part]:
        """Returns a master, workers, and Beam's job server, which is the driver of all jobs."""
        return (
            Part(
                "master",
                _java("master.Master", "--port", str(_MASTER_PORT), "--webui-port", str(_PAGE_PORT)),
            ),
            *(Part(f"worker-{number}", _worker(folder, number), core(number - 1)) for number in range(1, WORKERS + 1)),
            Part("job-server", _job_server(folder)),
        )

    def staged_jar(self) -> Path:
        """Returns the jar with Beam's classes; Spark's own are there already."""
        return downloads.job_server("spark")

    def ready_workers(self, overview: dict[str, Any]) -> int:
        """Returns the number of workers that are alive."""
        return int(overview["aliveworkers"])

    def running_jobs(self, overview: dict[str, Any]) -> int:
        """Returns the number of applications, which are jobs of Beam."""
        return len(overview["activeapps"])


def _java(entry: str, *words: str) -> tuple[str, ...]:
    return (
        *(programs.java(), *OPENS, "-Xmx256m", "-cp", f"{downloads.jars('spark')}/*"),
        f"org.apache.spark.deploy.{entry}",
        *("--host", "127.0.0.1", *words),
    )


def _worker(folder: Path, number: int) -> tuple[str, ...]:
    place = folder / "tmp" / f"worker-{number}"
    memory = ("--cores", "1", "--memory", "2g", "--work-dir", str(place), "--webui-port", "0")
    return _java("worker.Worker", *memory, f"spark://127.0.0.1:{_MASTER_PORT}")


def _job_server(folder: Path) -> tuple[str, ...]:
    classes = f"{downloads.job_server('spark')}:{downloads.jars('spark')}/*"
    return (
        *(programs.java(), *OPENS, "-Xmx1500m", f"-Dspark.local.dir={folder / 'tmp'}"),
        *("-Dspark.driver.host=127.0.0.1", "-Dspark.driver.bindAddress=127.0.0.1", "-Dspark.ui.enabled=false"),
        *("-Dspark.executor.memory=1g", "-cp", classes, "org.apache.beam.runners.spark.SparkJobServerDriver"),
        f"--spark-master-url=spark://127.0.0.1:{_MASTER_PORT}",
        *job_server_options(folder),
    )
