"""A heartbeat says whether the process that left it is still there; its file is that of the earlier version."""

import datetime
import json
import os
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from melanoma.runs import heartbeat
from melanoma.runs.heartbeat import STALE_AFTER, Heartbeat
from tests.helpers import ROOT

RUN_ID = "20260102T030405Z-00000000"
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
EARLIER = next((ROOT / "tests" / "data" / "version-0.1" / "table" / "_active").glob("*.json"))
VALUES = {"run_id": RUN_ID, "seen": "2026-01-02T03:04:05+00:00", "host": "vm/boot/pid", "pid": 7, "born": "123"}


def beat(**changes: Any) -> Heartbeat:
    """Returns a heartbeat of this process, changed."""
    return replace(Heartbeat.now(RUN_ID), **changes)


def test_a_heartbeat_is_of_this_process_and_of_now() -> None:
    before = datetime.datetime.now(datetime.UTC)
    found = Heartbeat.now(RUN_ID)
    assert before <= found.seen_at <= datetime.datetime.now(datetime.UTC)
    assert (found.run_id, found.pid) == (RUN_ID, os.getpid())
    assert found.process_started == Path("/proc/self/stat").read_text().split(")")[-1].split()[19]
    assert found.host.startswith(f"{os.uname().nodename}/")


def test_the_file_holds_these_names() -> None:
    assert json.loads(Heartbeat(RUN_ID, "s", "h", 7, "123").to_json()) == {
        "run_id": RUN_ID,
        "seen": "s",
        "host": "h",
        "pid": 7,
        "born": "123",
    }


def test_a_heartbeat_of_workers_elsewhere_names_their_runs_and_repeats_itself() -> None:
    found = Heartbeat.now(RUN_ID, runs=[RUN_ID])
    assert json.loads(found.to_json())["runs"] == [RUN_ID]
    assert Heartbeat.from_json(found.to_json()) == found
    assert found.again().seen > found.seen and replace(found.again(), seen=found.seen) == found
    gone = replace(found, pid=2**22 - 1)
    assert gone.has_lost_its_process and not gone.is_stale(datetime.datetime.now(datetime.UTC))
    with pytest.raises(ValueError, match="one of the runs is not an id"):
        Heartbeat.from_json(json.dumps({**VALUES, "runs": ["../x"]}).encode())


def test_a_heartbeat_comes_back_from_its_file() -> None:
    found = beat(host="é/\"'")
    assert Heartbeat.from_json(found.to_json()) == found


def test_a_heartbeat_of_an_earlier_version_is_read_and_written_alike() -> None:
    data = EARLIER.read_bytes()
    found = Heartbeat.from_json(data)
    assert asdict(found) == {
        "run_id": "20261130T125818Z-2c74a4a1",
        "seen": "2026-11-30T12:58:18.712603+00:00",
        "host": "vm/081905d1-9616-4d8e-a8e9-bf2f325ba189/pid:[4026531836]",
        "pid": 3958,
        "process_started": "30244",
        "shard": None,
        "runs": (),
    }
    assert found.is_run and found.last_seen == "2026-11-30 12:58:18 UTC"
    assert found.to_json() == data.rstrip(b"\n")


def test_values_of_a_later_version_are_passed_over() -> None:
    assert Heartbeat.from_json(json.dumps({**VALUES, "colour": [1]}).encode()).process_started == "123"


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("value", [None, [], {}, 1.5, True])
def test_a_value_of_another_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Heartbeat.from_json(json.dumps({**VALUES, name: value}).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"seen": "yesterday"},
        {"seen": "2026-01-02T03:04:05"},
        {"run_id": ""},
        {"run_id": "../_reports/20260102T030405Z-00000000"},
        {"run_id": "a/b"},
        {"run_id": "."},
        {"run_id": f"{RUN_ID}\n"},
    ],
)
def test_a_time_or_an_id_that_cannot_be_used_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Heartbeat.from_json(json.dumps({**VALUES, **changes}).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"1", b"\xff", json.dumps([VALUES]).encode()])
def test_what_is_not_a_heartbeat_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        Heartbeat.from_json(data)


@pytest.mark.parametrize(
    ("run_id", "is_run"), [(RUN_ID, True), ("20260102T030405Z-forget", False), ("20260102T030405Z-compact", False)]
)
def test_maintenance_is_not_a_run(run_id: str, is_run: bool) -> None:
    found = Heartbeat.from_json(json.dumps({**VALUES, "run_id": run_id}).encode())
    assert found.is_run is is_run


@pytest.mark.parametrize(("seconds", "is_stale"), [(0, False), (599, False), (600, False), (601, True), (10**6, True)])
def test_another_machine_is_believed_for_ten_minutes(seconds: int, is_stale: bool) -> None:
    found = beat(host="elsewhere", pid=2**22 - 1, seen=(NOW - datetime.timedelta(seconds=seconds)).isoformat())
    assert found.is_stale(NOW) is is_stale
    assert datetime.timedelta(minutes=10) == STALE_AFTER


def test_a_time_zone_does_not_matter() -> None:
    assert not beat(host="elsewhere", seen="2026-01-02T05:04:05+02:00").is_stale(NOW)
    assert beat(host="elsewhere", seen="2026-01-02T03:04:05+01:00").is_stale(NOW)


def test_on_this_machine_the_process_itself_is_looked_for() -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert not beat().is_stale(now)
    assert beat(pid=2**22 - 1).is_stale(now), "there is no such process"
    assert beat(process_started="1").is_stale(now), "the number belongs to another process by now"
    assert not beat(process_started="1", host="elsewhere").is_stale(now)
    assert beat(seen=(now - datetime.timedelta(minutes=11)).isoformat()).is_stale(now), "silent, though alive"


def test_a_process_that_has_ended_is_stale_even_before_its_parent_notices() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        found = beat(pid=process.pid, process_started=heartbeat._process_start(process.pid))
        assert found.process_started and not found.is_stale(found.seen_at)
        process.kill()
        until = time.monotonic() + 10
        while not found.is_stale(found.seen_at):  # a zombie until somebody waits for it
            assert time.monotonic() < until
            time.sleep(0.01)
        process.wait()
        assert found.is_stale(found.seen_at)
