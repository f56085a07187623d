"""With --log-format json every line on standard error is one JSON object, whoever writes it."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT, fill

SCRIPT = """
import logging, os, subprocess, sys, threading, warnings
from jobs.console import foreign_output, lines, logs

logs.quiet()
logs.as_json()
lines.say("Run r\\n  counts 3")
lines.use(run_id="r-1")
lines.warn(["a root is em\\x1b[2Jpty"])
logging.getLogger("some.library").warning("late by %d s", 3)
warnings.warn("old function", stacklevel=1)
os.write(2, b"native line\\n\\npart")
subprocess.run([sys.executable, "-c", "import sys; print('from a worker', file=sys.stderr)"])
try:
    raise ValueError("x")
except ValueError:
    lines.show_fault()
lines.complain("ended")
foreign_output.finish()
os._exit(0)
"""


def test_every_line_is_an_object_with_time_level_message_and_run() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    found = [json.loads(line) for line in ended.stderr.splitlines()]
    now = datetime.datetime.now(datetime.UTC)
    for line in found:
        assert set(line) - {"run_id"} == {"time", "level", "message"} and line["time"].endswith("Z")
        assert abs((datetime.datetime.fromisoformat(line["time"]) - now).total_seconds()) < 600
    said = {(line["level"], line["message"]): line.get("run_id") for line in found}
    assert said["INFO", "Run r\n  counts 3"] is None
    assert said["WARNING", "a root is em\ufffd[2Jpty"] == "r-1"
    assert said["WARNING", "some.library: late by 3 s"] == "r-1"
    assert said["ERROR", "ended"] == said["INFO", "native line"] == "r-1"
    messages = [line["message"] for line in found]
    assert any("UserWarning: old function" in message for message in messages)
    assert any("from a worker" in message for message in messages)
    (fault,) = [message for message in messages if message.startswith("Traceback")]
    assert fault.endswith("ValueError: x\n")


def test_a_good_run_is_silent_with_quiet_and_json_without(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    words = [sys.executable, "-m", "jobs.cli", "score", "--images", str(tmp_path / "in"), "--bundle", bundle_uri]
    words += ["--output", str(tmp_path / "out")]
    quiet = subprocess.run([*words, "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    ended = subprocess.run([*words, "--log-format=json"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 0 and ended.stdout == ""
    (finished,) = [line for line in found if "finished in" in line["message"]]
    assert finished["message"].startswith(f"Run {finished['run_id']} finished in")
    refused = subprocess.run(
        [*words, "--log-format=json", "--x"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (line,) = refused.stderr.splitlines()
    assert refused.returncode == 2 and json.loads(line)["level"] == "ERROR"
