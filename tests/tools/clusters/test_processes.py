"""Processes of a cluster are found and ended with all that they have started; taken ports are named."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools.clusters.processes import Part, Processes, is_free, listens, require_free, wait_until
from tools.clusters.versions import ClusterError

# Starts another process in a session of its own, as Beam's and Java's programs do, and waits for nobody.
_PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("started", flush=True)
time.sleep(600)
"""
_DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('started', flush=True); time.sleep(600)"
)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(tmp_path / "run", tmp_path / "logs")
    yield found
    found.end()


def start(processes: Processes, name: str, code: str, core: int | None = None) -> psutil.Process:
    """Starts a Python program, and returns it once it has printed something."""
    processes.start(Part(name, (sys.executable, "-c", code), core), {"OF_THE_CLUSTER": "yes"})
    wait_until(name, lambda: (processes.logs / f"{name}.log").read_text() != "", 60, processes.logs)
    process = processes.find(name)
    assert process is not None
    return process


def test_all_that_was_started_is_ended_also_what_it_has_started_itself(processes: Processes) -> None:
    parent = start(processes, "parent", _PARENT)
    others = parent.children()
    assert len(others) == 1 and {*processes.all()} == {parent, *others}
    assert parent.environ()["OF_THE_CLUSTER"] == "yes"
    assert parent.environ()["TMPDIR"] == str(processes.folder / "tmp")
    parent.kill()
    parent.wait()
    assert processes.find("parent") is None and processes.all() == others
    processes.end()
    assert not processes.all() and not others[0].is_running()


def test_a_process_that_ignores_the_request_to_end_is_killed(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.clusters.processes._END_SECONDS", 0.5)
    deaf = start(processes, "deaf", _DEAF)
    processes.end()
    assert not deaf.is_running()


def test_a_later_process_of_the_same_name_is_the_one_that_is_found(processes: Processes) -> None:
    first = start(processes, "parent", _PARENT)
    first.kill()
    first.wait()
    processes.start(Part("parent", (sys.executable, "-c", _PARENT)), {})
    second = processes.find("parent")
    assert second is not None and second.pid != first.pid


def test_a_process_of_somebody_else_with_the_same_number_is_not_ended(processes: Processes) -> None:
    start(processes, "parent", _PARENT)
    processes.end()
    (processes.folder / "processes.json").write_text(f'[["parent", {os.getpid()}]]')
    assert processes.find("parent") is None
    assert psutil.Process() not in processes.all()


def test_a_process_is_bound_to_its_processor(processes: Processes) -> None:
    core = min(os.sched_getaffinity(0))
    assert start(processes, "parent", _PARENT, core).cpu_affinity() == [core]


def test_a_taken_port_is_named_with_who_listens_there() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        assert not is_free(port) and listens(port)
        with pytest.raises(ClusterError, match=f"{port}.*process {os.getpid()}"):
            require_free([port])
    assert is_free(port) and not listens(port)
    require_free([port])


def test_waiting_in_vain_names_the_logs(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=str(tmp_path)):
        wait_until("nothing", lambda: False, 0.3, tmp_path)
