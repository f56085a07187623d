"""Worker processes that nobody ends any more are ended, and no other process is."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from jobs.nightly import local_workers
from jobs.nightly.local_workers import ended_after, worker_processes

SLEEP = "import time; time.sleep(60)"
WORKER = "apache_beam.runners.worker.sdk_worker_main"


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """A process that is called like a worker, below a shell as Beam starts it, and another one."""
    monkeypatch.setattr(local_workers, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(local_workers, "_PATIENCE_SECONDS", 0.2)
    worker = subprocess.Popen(["sh", "-c", f'"{sys.executable}" -c "{SLEEP}" {WORKER}; exit $?'])
    other = subprocess.Popen([sys.executable, "-c", SLEEP])
    yield worker, other
    for process in (worker, other):
        process.kill()
        process.wait()


def wait_for_workers(number: int) -> None:
    until = time.monotonic() + 30
    while len(worker_processes(os.getpid())) != number:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_workers_are_ended_some_time_after_a_failure(
    processes: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    worker, other = processes
    wait_for_workers(2)  # the shell names it, too
    with ended_after(lambda: True):
        assert worker.wait(30) != 0
        wait_for_workers(0)
    assert other.poll() is None


def test_workers_go_on_without_a_failure(
    processes: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    worker, _ = processes
    wait_for_workers(2)
    with ended_after(lambda: False):
        time.sleep(0.5)
    assert worker.poll() is None


def test_a_failure_that_ends_in_time_ends_no_worker(
    processes: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_workers, "_PATIENCE_SECONDS", 30.0)
    worker, _ = processes
    with ended_after(lambda: True):
        time.sleep(0.2)
    assert worker.poll() is None
