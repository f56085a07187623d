"""Runs beside runs, and runs that are stopped or killed: real processes and real signals."""

import datetime
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cli import main
from melanoma.runs import heartbeats
from melanoma.runs.heartbeats import Heartbeat
from tests.helpers import ROOT, fill
from tests.helpers.outputs import layout_of
from tests.helpers.pipeline_runs import assert_one_row_each, committed, rows

EARLIER = "20200101T000000Z-00000000"


def command(tmp_path: Path, bundle_uri: str, *words: str) -> list[str]:
    where = ["--images", str(tmp_path / "in"), "--bundle", bundle_uri, "--output", str(tmp_path / "out")]
    return [sys.executable, "-m", "jobs.cli", "score", *where, *words]


def begin(tmp_path: Path, bundle_uri: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(tmp_path, bundle_uri, *words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)


def wait_for_staged(folder: Path, files: int, process: subprocess.Popen[str]) -> None:
    wait_for(lambda: len(list(folder.rglob("*.arrow"))) >= files or process.poll() is not None)


def beat_of(tmp_path: Path, **changes: object) -> Heartbeat:
    """Leaves the heartbeat of a run in this very process, with changes."""
    with heartbeats.beating(layout_of(tmp_path / "out"), EARLIER):
        (beat,) = heartbeats.active(layout_of(tmp_path / "out"))
    beat = replace(beat, **changes)  # type: ignore[arg-type]
    folder = tmp_path / "out" / "_active"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{beat.run_id}.json").write_bytes(beat.to_json())
    return beat


def ago(minutes: float) -> str:
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)).isoformat()


def test_a_second_start_sees_the_first_and_reads_nothing(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    beat_of(tmp_path)
    assert main(command(tmp_path, bundle_uri)[3:]) == 3
    said = capsys.readouterr().err
    assert f"run {EARLIER} is active" in said and "nothing was read" in said
    assert committed(tmp_path / "out") == 0


@pytest.mark.parametrize(
    "changes",
    [{"seen": ago(11), "host": "elsewhere"}, {"pid": 2**22 - 1}, {"process_started": "1"}],
    ids=["silent for ten minutes", "its process is gone", "its number went to another process"],
)
def test_a_dead_run_blocks_no_other_and_gets_a_record(
    tmp_path: Path, bundle_uri: str, changes: dict[str, object]
) -> None:
    fill(tmp_path / "in", 2)
    beat_of(tmp_path, **changes)
    assert main(command(tmp_path, bundle_uri)[3:]) == 0
    assert committed(tmp_path / "out") == 2
    record = json.loads((tmp_path / "out" / "_reports" / f"{EARLIER}.json").read_text())
    assert (record["outcome"], record["run_date"]) == ("killed", "2020-01-01")
    assert not list((tmp_path / "out" / "_active").iterdir())


@pytest.mark.parametrize("announced", [False, True])
def test_a_run_that_is_stopped_while_it_starts_leaves_no_heartbeat(
    tmp_path: Path, bundle_uri: str, announced: bool
) -> None:
    fill(tmp_path / "in", 60)  # so many that it cannot have ended on a busy machine before the signal comes
    process = begin(tmp_path, bundle_uri, "--chunk-size", "1", "--batch-size", "1")
    active = tmp_path / "out" / "_active"
    if announced:
        assert process.stdout is not None and process.stdout.readline().startswith("Run ")
    else:
        wait_for(lambda: active.exists() and any(active.iterdir()))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3 and "stopped" in said and "Traceback" not in said
    assert "staged" not in said or list((tmp_path / "out" / "_staging").rglob("*.arrow"))
    assert not list(active.iterdir()) and committed(tmp_path / "out") == 0
    assert main(command(tmp_path, bundle_uri)[3:]) == 0


@pytest.fixture
def heeded_hangup() -> Iterator[None]:
    """Lets SIGHUP end what a test starts, even if the tests themselves run below nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heeded_hangup")
def test_a_run_that_is_stopped_again_and_again_is_resumed(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 150)
    staging, reports = tmp_path / "out" / "_staging", tmp_path / "out" / "_reports"
    staged = 0
    for number, code in ((signal.SIGTERM, 3), (signal.SIGINT, 130), (signal.SIGHUP, 3)):
        process = begin(tmp_path, bundle_uri, "--chunk-size", "1", "--batch-size", "1")
        before = staged
        wait_for_staged(staging, before + 4, process)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
        assert process.returncode == code, said
        assert "nothing was committed; results so far stay staged, run the same command again to resume" in said
        assert committed(tmp_path / "out") == 0 and not list((tmp_path / "out" / "_active").iterdir())
        staged = len(list(staging.rglob("*.arrow")))
        assert before + 3 < staged < 150  # it did not wait for the end
    assert [json.loads(path.read_text())["outcome"] for path in reports.glob("2*.json")] == ["stopped"] * 3
    assert main(command(tmp_path, bundle_uri)[3:]) == 0
    assert_one_row_each(tmp_path / "out", 150)
    last = json.loads(max(reports.glob("*.json")).read_text())
    assert last["adopted"] >= staged


def kill_when(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    wait_for(lambda: condition() or process.poll() is not None)
    process.kill()
    process.communicate()


def test_a_run_that_is_killed_at_its_start_and_in_the_middle_is_resumed(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A staged file is damaged and photographs arrive in the meantime; each has one row, all of one run."""
    fill(tmp_path / "in", 100)
    output = tmp_path / "out"
    active = output / "_active"
    kill_when(lambda: any(active.glob("*.json")), begin(tmp_path, bundle_uri))
    kill_when(lambda: len(list(output.rglob("*.arrow"))) >= 5, begin(tmp_path, bundle_uri, "--chunk-size", "3"))
    staged = list(output.rglob("*.arrow"))
    assert len(staged) >= 5 and committed(output) == 0
    staged[0].write_bytes(staged[0].read_bytes()[:-100])
    fill(tmp_path / "in", 7, first=100)
    assert main(command(tmp_path, bundle_uri)[3:]) == 0
    resumed = int(re.search(r"resumed +(\d+)", capsys.readouterr().out)[1])  # type: ignore[index]
    assert 0 < resumed < 107
    assert_one_row_each(output, 107)
    found = rows(output, "status", "run_id")
    assert {row["status"] for row in found} == {"scored"} and len({row["run_id"] for row in found}) == 1
    outcomes = [json.loads(path.read_text())["outcome"] for path in sorted((output / "_reports").glob("2*.json"))]
    assert outcomes == ["killed", "killed", "committed"]
    assert os.listdir(active) == []


def test_a_run_that_is_killed_while_it_commits_has_its_rows_once(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 20)
    kill_when((tmp_path / "out" / "_delta_log").exists, begin(tmp_path, bundle_uri))
    assert main(command(tmp_path, bundle_uri)[3:]) == 0
    assert_one_row_each(tmp_path / "out", 20)
    assert os.listdir(tmp_path / "out" / "_active") == []


SILENT_STORE = """
import sys, time
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem
from jobs.nightly import stopping
from tests.helpers.model_runs import model_run

run = model_run(Path(sys.argv[1]), sys.argv[2]).run
stopping._MAX_SECONDS, stopping._RECORD_SECONDS = float(sys.argv[3]), 50.0
LocalFileSystem.exists = LocalFileSystem.info = LocalFileSystem.ls = lambda *_, **__: time.sleep(60)
with stopping.stop_on_signals([run]):
    print("ready", flush=True)
    for _ in range(600):  # a signal that comes just before a long sleep would wait for its end
        time.sleep(0.1)
"""


@pytest.mark.parametrize(
    ("patience", "signals", "code"),
    [("0.2", [signal.SIGTERM], 3), ("50", [signal.SIGTERM, signal.SIGINT], 130)],
    ids=["after its patience", "at a second signal"],
)
def test_a_store_that_does_not_answer_keeps_no_run_from_ending(
    tmp_path: Path, bundle_uri: str, patience: str, signals: list[signal.Signals], code: int
) -> None:
    words = [sys.executable, "-c", SILENT_STORE, str(tmp_path / "out"), bundle_uri, patience]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    assert process.stderr is not None
    for number in signals:
        process.send_signal(number)
        if number == signal.SIGTERM:
            assert process.stderr.readline() == "melanoma: stopping\n"
    _, rest = process.communicate(timeout=20)
    assert (process.returncode, rest) == (code, "")


COMMITTED = """
import os, signal, sys, time
from pathlib import Path
from jobs.nightly import stopping
from tests.helpers.model_runs import commit_scores, model_run

model = model_run(Path(sys.argv[1]), sys.argv[2])
with stopping.stop_on_signals([model.run]):
    commit_scores(model, {"a": (0.2, 0.3, 0.5)})
    if sys.argv[3] == "without a record":
        os.remove(Path(sys.argv[1]) / "_reports" / f"{model.run.run_id}.json")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
print("the report is written", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("record", ["with a record", "without a record"])
def test_a_run_that_has_committed_comes_to_its_end_with_a_record(tmp_path: Path, bundle_uri: str, record: str) -> None:
    words = [sys.executable, "-c", COMMITTED, str(tmp_path / "out"), bundle_uri, record]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "the report is written\n"), ended.stderr
    assert "was already committed; only its report is left" in ended.stderr
    (path,) = (tmp_path / "out" / "_reports").glob("2*.json")
    assert json.loads(path.read_text())["outcome"] == "committed"
