"""Runs that are launched on a cluster as a user does, in a process of their own, and what they leave behind."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.helpers import ROOT
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import committed, rows
from tools.clusters.cluster import Cluster

# Photographs in the folder that most tests score.
PHOTOGRAPHS = 240
# Far above what a run takes on a busy machine; a run that hangs fails the test.
SECONDS = 240.0
# Columns that say when and by which run; all others must be the same on every runner.
_OF_THE_RUN = ("run_id", "run_date", "scored_at")
_LAUNCH = "MELANOMA_TEST_LAUNCH"
_WORKERS = ("sdk_worker_main", "melanoma-worker")


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        code: Exit code; negative for a signal.
        text: What it has printed.
    """

    code: int
    text: str


class Launch:
    """A `melanoma score` in a process of its own, with temporary files in a folder of its own."""

    def __init__(self, words: Sequence[str], beam: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """Starts it.

        Args:
            words: Flags of `melanoma score`.
            beam: Options for Beam.
            environment: Additional variables.
        """
        self._is_killed = False
        self.temporary = Path(tempfile.mkdtemp(prefix="launch-"))
        self._log = (self.temporary.parent / f"{self.temporary.name}.log").open("w+")
        variables = {**os.environ, **(environment or {}), "TMPDIR": str(self.temporary), _LAUNCH: str(self.temporary)}
        command = [sys.executable, "-m", "jobs.cli", "score", *words, "--", *beam]
        self.process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=self._log, stderr=self._log)

    def wait(self) -> Ended:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: It does not end.
        """
        try:
            code = self.process.wait(SECONDS)
        finally:
            self.process.kill()
        self._log.seek(0)
        return Ended(code, self._log.read())

    def kill(self) -> None:
        """Kills it, so that it gets no chance to remove anything."""
        self.process.kill()
        self.process.wait()
        self._is_killed = True

    def left_behind(self) -> list[str]:
        """Returns what is left of it after its end: processes, and temporary files unless it was killed."""
        alive = [f"process {process.pid} {process.name()}" for process in _marked(str(self.temporary))]
        return alive + [f"file {path.name}" for path in self.temporary.iterdir() if not self._is_killed]

    def remove(self) -> None:
        """Ends what is left of it, and removes its files."""
        for process in _marked(str(self.temporary)):
            process.kill()
        self._log.close()
        Path(self._log.name).unlink()
        shutil.rmtree(self.temporary)


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_LAUNCH) == mark:
                yield process
        except (psutil.Error, OSError):
            continue


def wait_until(what: str, condition: Callable[[], object], seconds: float = SECONDS, pause: float = 0.2) -> None:
    """Waits for something.

    Args:
        what: For people.
        condition: Whether it has come about.
        seconds: The longest wait.
        pause: Time between two looks, in seconds.

    Raises:
        TimeoutError: It does not come about.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain: {what}")
        time.sleep(pause)


def workers(cluster: Cluster) -> list[psutil.Process]:
    """Returns the Python processes in which the cluster runs the job's code."""
    found = []
    for process in cluster.processes.all():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if line and "python" in line[0] and any(word.endswith(_WORKERS) for word in line):
            found.append(process)
    return found


@contextlib.contextmanager
def paused(cluster: Cluster, output: Path) -> Iterator[None]:
    """Waits for the first staged chunks, and lets the workers pause while the block runs."""
    wait_until("staged chunks", lambda: staged_chunks(output) >= 2, pause=0.02)
    stopped = workers(cluster)
    for worker in stopped:
        worker.suspend()
    assert committed(output) == 0, "the run was over before"
    try:
        yield
    finally:
        for worker in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()


def staged_chunks(output: Path) -> int:
    """Returns the number of chunks that runs have staged under an output."""
    return len(list((output / "_staging").rglob("*.arrow")))


def scores(output: Path) -> list[dict[str, Any]]:
    """Returns the values of all rows, without what says when and by which run, in a fixed order."""
    table = table_in(output).dataset().to_table()
    found = table.select([name for name in table.column_names if name not in _OF_THE_RUN]).to_pylist()
    # The table of several models has columns that are empty for some of them.
    shown = [{name: value for name, value in row.items() if value is not None} for row in found]
    return sorted(shown, key=lambda row: (row["image_uri"], row["model_id"], row["attempt"]))


def remains(output: Path) -> list[str]:
    """Returns what would hold or mislead the next start: heartbeats, and staged chunks of runs that have committed.

    What a run has staged that was stopped or killed before its commit may stay: the next run takes it over, and a later
    one removes it.
    """
    active = Path(layout_of(output).active.removeprefix("file://"))
    beats = [path.name for path in active.iterdir()] if active.exists() else []
    runs = {row["run_id"] for row in rows(output, "run_id")} if committed(output) else set[str]()
    chunks = [path for path in (output / "_staging").rglob("*.arrow") if path.parent.name in runs]
    return [*beats, *(f"{path.parent.name}/{path.name}" for path in chunks)]
