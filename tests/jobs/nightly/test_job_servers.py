"""A job server ends with the process that has started it, however that ends, and leaves no folder for ever."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner

from jobs.nightly.job_servers import stop_server, with_own_server
from melanoma.errors import UsageError
from tests.helpers import ROOT

# Starts a job server as a run does; this one never answers, so that the start goes on for ever.
LAUNCHER = """
import os, sys, threading
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.prism_runner import PrismRunner
from jobs.nightly.job_servers import with_own_server

server = with_own_server(PrismRunner()).default_job_server(PipelineOptions([f"--prism_location={sys.argv[1]}"]))
if sys.argv[2] == "exit":
    threading.Timer(float(sys.argv[3]), os._exit, [3]).start()
server.start()
"""
SERVER = "#!/bin/sh\necho $$ > {file}.new; mv {file}.new {file}; exec sleep 60\n"


def wait_for(path: Path) -> int:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    return int(path.read_text())


def has_ended(pid: int) -> bool:
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_a_job_server_ends_with_its_launcher_and_the_next_start_removes_its_folder(tmp_path: Path, end: str) -> None:
    program, file = tmp_path / "server", tmp_path / "pid"
    program.write_text(SERVER.format(file=file))
    program.chmod(0o755)
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    words = [sys.executable, "-c", LAUNCHER, str(program), end, "3"]
    launcher = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    pid = wait_for(file)
    assert os.getsid(pid) == pid != os.getsid(0)  # Ctrl-C in the terminal of the launcher does not reach it
    if end == "kill":
        launcher.send_signal(signal.SIGKILL)
    launcher.wait(30)
    assert has_ended(pid)
    assert len(list((tmp_path / "temporary").glob("melanoma-job-server-*"))) == 1
    file.unlink()
    launcher = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    wait_for(file)
    (folder,) = (tmp_path / "temporary").iterdir()
    assert folder.name.startswith(f"melanoma-job-server-{launcher.pid}-")
    launcher.kill()
    launcher.wait()


def command(options: list[str], tmp_path: Path) -> list[str]:
    """Returns the words with which Flink's job server would be started."""
    runner = with_own_server(FlinkRunner())
    server = runner.default_job_server(PipelineOptions([f"--flink_job_server_jar={tmp_path / 'server.jar'}", *options]))
    server._local_temp_root = str(tmp_path / "beam")
    return list(map(str, server.subprocess_cmd_and_endpoint()[0]))


def test_a_jar_that_is_not_there_is_the_users_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(UsageError, match="the job server cannot be started: Unable to parse jar URL"):
        command([], tmp_path)


def test_runners_without_a_job_server_stay_as_they_are() -> None:
    runner = FnApiRunner()
    assert with_own_server(runner) is runner
    stop_server(runner)
    stop_server(with_own_server(create_runner("PrismRunner")))  # which has not started its own
