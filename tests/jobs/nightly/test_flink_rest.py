"""Flink's REST interface, spoken by a real server on the loopback as Flink 1.19 speaks it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from jobs.nightly import flink_rest
from jobs.nightly.flink_rest import FlinkError, Slots
from tests.helpers.ports import free_port


class JobManager(ThreadingHTTPServer):
    """Answers with what a test has set, and remembers which jobs were cancelled."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Any] = {}
        self.cancelled: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: JobManager

    def do_GET(self) -> None:
        found = self.server.answers.get(self.path)
        self.send_response(404 if found is None else 200)
        self.end_headers()
        self.wfile.write(b"" if found is None else found if isinstance(found, bytes) else json.dumps(found).encode())

    def do_PATCH(self) -> None:
        self.server.cancelled.append(self.path)
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def manager() -> Iterator[JobManager]:
    with JobManager() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def worker(host: str, slots: int) -> dict[str, object]:
    return {"id": "x", "path": f"pekko.tcp://flink@{host}:6122/user/rpc/taskmanager_0", "slotsNumber": slots}


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        ([worker("10.0.0.1", 4), worker("10.0.0.2", 2)], Slots(6, 4, 4)),
        ([worker("127.0.0.1", 1), worker("127.0.0.1", 1)], Slots(2, 1, 2)),
        ([worker("[::1]", 3)], Slots(3, 3, 3)),
        ([], None),
        ([worker("10.0.0.1", 0)], None),
    ],
)
def test_slots_are_counted_for_the_cluster_for_a_worker_and_for_a_machine(
    manager: JobManager, workers: list[dict[str, object]], expected: Slots | None
) -> None:
    manager.answers["/taskmanagers"] = {"taskmanagers": workers}
    assert flink_rest.slots(manager.address) == expected
    assert flink_rest.slots(f"http://{manager.address}/") == expected


def job(jid: str, name: str, state: str) -> dict[str, str]:
    return {"jid": jid, "name": name, "state": state}


def test_only_the_jobs_of_one_name_that_still_run_are_cancelled(manager: JobManager) -> None:
    jobs = [job("a", "mine", "RUNNING"), job("b", "mine", "FAILED"), job("c", "other", "RUNNING")]
    manager.answers["/jobs/overview"] = {"jobs": [*jobs, job("d", "mine", "CREATED")]}
    assert not flink_rest.has_ended(manager.address, "mine")
    flink_rest.cancel(manager.address, "mine")
    assert manager.cancelled == ["/jobs/a?mode=cancel", "/jobs/d?mode=cancel"]
    manager.answers["/jobs/overview"] = {"jobs": jobs[1:]}
    assert flink_rest.has_ended(manager.address, "mine")


@pytest.mark.parametrize("answer", [None, b"<html>", b"", b"{}", b"[]"])
def test_another_server_there_is_an_error(manager: JobManager, answer: bytes | None) -> None:
    manager.answers["/jobs/overview"] = answer
    with pytest.raises(FlinkError):
        flink_rest.has_ended(manager.address, "mine")


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(FlinkError):
        flink_rest.slots(f"127.0.0.1:{free_port()}")
