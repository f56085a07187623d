"""A standalone cluster of Spark: a master and two workers of one processor."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.clusters import downloads, programs
from tools.clusters.engine import OPENS, WORKERS, Engine, core, job_server_options
from tools.clusters.processes import Part

_MASTER_PORT = 7077
_PAGE_PORT = 8090
_DRIVER = "org.apache.beam.runners.spark.SparkJobServerDriver"
_JAR = "job-server.jar"
# By default a driver listens on all addresses of its machine.
_LOOPBACK = ("-Dspark.driver.host=127.0.0.1", "-Dspark.driver.bindAddress=127.0.0.1", "-Dspark.ui.enabled=false")
_MANIFEST_BYTES = 70  # of a line in a manifest; longer ones go on in the next one, behind a blank


class Spark(Engine):
    """A standalone cluster of Spark."""

    name = "spark"
    ports = (_MASTER_PORT, _PAGE_PORT)
    overview = f"http://127.0.0.1:{_PAGE_PORT}/json/"
    master_options = (
        "--runner=SparkRunner",
        f"--spark_master_url=spark://127.0.0.1:{_MASTER_PORT}",
        f"--parallelism={WORKERS}",
    )

    def fetch(self) -> None:
        """Downloads Spark, and builds Beam's job server, once."""
        programs.java()
        downloads.jars("spark")
        downloads.job_server("spark")

    def configure(self, folder: Path) -> None:
        """Also writes a jar that leads `java -jar` to the job server and to Spark's own jars."""
        super().configure(folder)
        places = [downloads.job_server("spark"), *sorted(downloads.jars("spark").glob("*.jar"))]
        opened = " ".join(word.partition("=")[2].partition("=")[0] for word in OPENS)
        manifest = {
            "Manifest-Version": "1.0",
            "Main-Class": _DRIVER,
            "Add-Opens": opened,
            "Class-Path": " ".join(place.as_uri() for place in places),
        }
        with zipfile.ZipFile(folder / _JAR, "w") as jar:
            lines = (_wrapped(f"{name}: {value}") for name, value in manifest.items())
            jar.writestr("META-INF/MANIFEST.MF", "".join(lines) + "\r\n")

    def line(self, folder: Path) -> list[str]:
        """Returns the options of a user who has no job server: the run starts one of its own, and ends it."""
        jar, sent = f"--spark_job_server_jar={folder / _JAR}", f"--files_to_stage={self.staged_jar()}"
        own = [f"--job_server_jvm_property={word}" for word in _LOOPBACK]
        return [*self.master_options, jar, sent, *own]

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
        *_LOOPBACK,
        *("-Dspark.executor.memory=1g", "-cp", classes, _DRIVER),
        f"--spark-master-url=spark://127.0.0.1:{_MASTER_PORT}",
        *job_server_options(folder),
    )


def _wrapped(line: str) -> str:
    starts = range(0, len(line), _MANIFEST_BYTES)
    return "\r\n ".join(line[start : start + _MANIFEST_BYTES] for start in starts) + "\r\n"
