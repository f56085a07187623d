"""Runs on a job server with workers outside of this process: the same rows and errors, and a stop that holds."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.portable_runner import PortableRunner

from jobs.cli import main, parse
from jobs.console.exit_codes import exit_code_of
from jobs.nightly import launch, pipeline_run
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import prepare
from jobs.nightly.remote_job import RemoteJob, remote_job
from melanoma.errors import NothingCommittedError, UsageError
from tests.helpers import ROOT, fill
from tests.helpers.broken_sources import BrokenRoot
from tests.helpers.pipeline_runs import assert_one_row_each, committed, rows
from tests.helpers.portable_cluster import PortableCluster, portable_cluster

pytestmark = pytest.mark.service
_OF_THE_RUN = ("run_id", "run_date", "scored_at")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortableCluster]:
    with portable_cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def words(tmp_path: Path, bundle_uri: str, *more: str) -> list[str]:
    where = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    return ["score", *where, "--quiet", *more]


def begin(tmp_path: Path, bundle_uri: str, cluster: PortableCluster, *options: str) -> subprocess.Popen[str]:
    line = words(tmp_path, bundle_uri, "--chunk-size", "1", "--batch-size", "1", "--", *cluster.options, *options)
    command = [sys.executable, "-m", "jobs.cli", *line]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def worker_numbers(cluster: PortableCluster) -> list[int]:
    """Returns the numbers of the worker processes, which are children of the pool."""
    children = Path(f"/proc/{cluster.pool.pid}/task").glob("*/children")
    return [int(pid) for file in children for pid in file.read_text().split()]


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


def staged(tmp_path: Path) -> int:
    return len(list((tmp_path / "out").rglob("*.arrow")))


def without_run(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in _OF_THE_RUN} for row in found]


def test_workers_elsewhere_write_the_same_rows_with_the_modes_of_the_run(
    tmp_path: Path, bundle_uri: str, cluster: PortableCluster
) -> None:
    fill(tmp_path / "in", 12)
    local = [*words(tmp_path, bundle_uri)[:-2], str(tmp_path / "local"), "--quiet"]
    assert main(local) == 0
    line = words(tmp_path, bundle_uri, "--output-mode", "private", "--", *cluster.options, "--num_workers=5")
    assert main(line) == 0
    assert without_run(rows(tmp_path / "out")) == without_run(rows(tmp_path / "local"))
    (record,) = (tmp_path / "out" / "_reports").glob("2*.json")
    assert json.loads(record.read_text())["workers"] == 5
    files = [path for path in (tmp_path / "out").rglob("*.parquet") if path.is_file()]
    assert files and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert not list((tmp_path / "out" / "_active").iterdir())


@pytest.mark.parametrize("source", [["--images", "photos"], ["--manifest", "photos.csv"]])
def test_workers_elsewhere_find_relative_places(
    tmp_path: Path, bundle_uri: str, cluster: PortableCluster, monkeypatch: pytest.MonkeyPatch, source: list[str]
) -> None:
    fill(tmp_path / "photos", 2)
    names = [path.name for path in (tmp_path / "photos").iterdir()]
    (tmp_path / "photos.csv").write_text("\n".join(["uri", *(f"photos/{name}" for name in names)]))
    shutil.copytree(bundle_uri, tmp_path / "bundle")
    monkeypatch.chdir(tmp_path)
    line = ["score", *source, "--bundle", "bundle", "--output", "out", "--quiet", "--", *cluster.options]
    assert main(line) == 0
    assert_one_row_each(tmp_path / "out", 2)
    uris = {row["image_uri"] for row in rows(tmp_path / "out")}
    assert uris == {f"file://{tmp_path}/photos/{name}" for name in names}


@pytest.mark.parametrize(("name", "code"), [("UsageError", 2), ("NothingCommittedError", 3), ("a fault", 70)])
def test_errors_of_workers_elsewhere_keep_their_class_and_code(
    tmp_path: Path,
    bundle_uri: str,
    cluster: PortableCluster,
    name: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline_run, "_LOOK_SECONDS", 0.5)
    fill(tmp_path / "in", 1)
    args = parse(words(tmp_path, bundle_uri)).args
    options = NightlyOptions.from_command_line(args, cluster.options)
    plan = replace(prepare(options), sources=(BrokenRoot(str(tmp_path / "in"), pattern=name, base="what to do"),))
    with pytest.raises(Exception) as raised:
        launch.run_pipeline(plan, options)
    assert exit_code_of(raised.value) == code
    if code != 70:
        assert str(raised.value).startswith("what to do")
        process = int(re.search(r"\(process (\d+)\)", str(raised.value))[1])  # type: ignore[index]
        assert process != os.getpid()


def test_a_stopped_run_commits_nothing_later_though_its_job_server_goes_on(
    tmp_path: Path, bundle_uri: str, cluster: PortableCluster
) -> None:
    fill(tmp_path / "in", 40)
    process = begin(tmp_path, bundle_uri, cluster)
    wait_for(lambda: staged(tmp_path) >= 3 or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3 and "stopped: nothing was committed; results so far stay staged" in said, said
    (record,) = (tmp_path / "out" / "_reports").glob("2*.json")
    wait_for(lambda: is_quiet(tmp_path / "out", 3.0))
    assert committed(tmp_path / "out") == 0 and json.loads(record.read_text())["outcome"] == "stopped"
    assert main(words(tmp_path, bundle_uri)) == 0
    assert_one_row_each(tmp_path / "out", 40)


def is_quiet(folder: Path, seconds: float) -> bool:
    """Tells whether no file of a folder has been changed for some time."""
    return time.time() - max(path.stat().st_mtime for path in folder.rglob("*")) > seconds


def test_workers_of_a_killed_launcher_commit_once_and_the_next_start_sees_them(
    tmp_path: Path, bundle_uri: str, cluster: PortableCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 40)
    process = begin(tmp_path, bundle_uri, cluster)
    wait_for(lambda: staged(tmp_path) >= 3 or process.poll() is not None)
    process.kill()
    process.communicate()
    if committed(tmp_path / "out") == 0:
        assert main(words(tmp_path, bundle_uri)) == 3
        assert "goes on in its cluster" in capsys.readouterr().err
    wait_for(lambda: list((tmp_path / "out" / "_reports").glob("2*.json")))
    assert main(words(tmp_path, bundle_uri)) == 0
    assert_one_row_each(tmp_path / "out", 40)
    assert not list((tmp_path / "out" / "_active").iterdir())


def test_nothing_secret_is_in_the_pipeline_or_its_options(
    tmp_path: Path, bundle_uri: str, cluster: PortableCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "in", 2)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-environment")
    assert main(words(tmp_path, bundle_uri)) == 0
    options = NightlyOptions.from_command_line(parse(words(tmp_path, bundle_uri)).args, cluster.options)
    scoring = pipeline_run.PipelineRun(prepare(options), options)
    sent = scoring._build().to_runner_api().SerializeToString()
    sent += repr(scoring._beam_options.get_all_options()).encode()
    keys = [path.read_bytes() for path in (tmp_path / "out" / "_private").iterdir()]
    assert len(keys) >= 2
    for secret in (b"a-secret-of-the-environment", *keys, *(key.strip() for key in keys)):
        assert secret not in sent


def test_a_job_server_that_does_not_answer_ends_the_run_with_the_code_to_try_again() -> None:
    job = RemoteJob("x", None, has_workers_elsewhere=True)
    assert exit_code_of(job.explained(grpc.FutureTimeoutError())) == 3
    assert job.stop(1.0)  # nothing was submitted


class Refusal(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """An answer of a job server."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code


Refusal.__abstractmethods__ = frozenset()


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (Refusal(grpc.StatusCode.INVALID_ARGUMENT), UsageError, r"refused the job \(invalid argument\)"),
        (Refusal(grpc.StatusCode.UNAVAILABLE), NothingCommittedError, r"does not answer any more \(unavailable\)"),
        (RuntimeError("in/patient.jpg"), UsageError, "could not be started: is Java installed"),
        (ZeroDivisionError("x"), ZeroDivisionError, "^x$"),
    ],
)
def test_what_a_runner_raises_before_its_job_is_explained_without_its_text(
    error: Exception, kind: type[Exception], text: str
) -> None:
    explained = RemoteJob("x", None, has_workers_elsewhere=True).explained(error)
    assert type(explained) is kind and re.search(text, str(explained)) and "patient" not in str(explained)


def test_a_job_has_a_name_of_its_own() -> None:
    options = PipelineOptions(["--job_name=nightly"])
    assert remote_job(PortableRunner(), options, "20260102T010000Z-0000ABCD", True) is not None
    assert options.get_all_options()["job_name"] == "nightly-20260102t010000z-0000abcd"
    assert remote_job(object(), options, "x", False) is None


class Losing:
    """A pipeline whose job a cluster loses; it says so as Beam does."""

    def __init__(self, state: str) -> None:
        self.state, self.runs = state, 0

    def run(self) -> "Losing":
        self.runs += 1
        return self

    def wait_until_finish(self) -> None:
        raise RuntimeError("in/patient.jpg")

    def cancel(self) -> None:
        self.state = "CANCELLED"


@pytest.mark.parametrize(("state", "expected"), [("FAILED", True), ("CANCELLED", False), ("RUNNING", False)])
def test_only_a_job_that_its_runner_gave_up_was_lost(state: str, expected: bool) -> None:
    job, pipeline = RemoteJob("x", None, has_workers_elsewhere=True), Losing(state)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="patient"):
            job.run(pipeline)
        assert job.was_lost() is expected
    explained = job.explained(RuntimeError("in/patient.jpg"))
    assert str(explained).startswith(f"the runner ended the job x (state: {state.lower()})")
    assert job.stop(10.0)
    assert not job.was_lost()
    with pytest.raises(NothingCommittedError, match="was stopped before its job was submitted again"):
        job.run(pipeline)
    assert pipeline.runs == 2


def test_a_lost_job_is_submitted_again_and_what_is_staged_is_not_scored_again(
    tmp_path: Path, bundle_uri: str, cluster: PortableCluster
) -> None:
    """The first of the workers is killed; Beam's own job server then gives the job up, as Flink does by default."""
    fill(tmp_path / "in", 30)
    process = begin(tmp_path, bundle_uri, cluster, "--execution_retry_delay=100")
    wait_for(lambda: staged(tmp_path) >= 5 or process.poll() is not None)
    for pid in worker_numbers(cluster):
        os.kill(pid, signal.SIGKILL)
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*.arrow")}
    seen = dict[Path, int]()
    while process.poll() is None:
        seen |= {path: path.stat().st_ino for path in before if path.exists()}
        time.sleep(0.02)
    said, _ = process.communicate(timeout=90)
    assert process.returncode == 0 and "the cluster has lost the job; 5 new attempts left" in said, said
    assert len(before) >= 5 and seen == before
    assert_one_row_each(tmp_path / "out", 30)
