"""A process continues after the reader of its output is gone, but a full disk is still an error."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.console import stdout
from tests.helpers import ROOT

SCRIPT = "import sys\nfrom jobs.console import stdout\nstdout.outlive_reader()\n"


def test_text_reaches_a_reader_unchanged() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT + "print('Müller \\N{MICRO SIGN}')\nsys.stdout.write('no line end')"],
        cwd=ROOT,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert ended.stdout.decode("utf-8") == "Müller µ\nno line end" and ended.stderr == b""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_work_goes_on_when_the_reader_is_gone(unbuffered: str) -> None:
    script = SCRIPT + "print('a' * 200_000)\nprint('b', flush=True)\nsys.stdout.write('c')\nsys.stderr.write('done')"
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b"done" and process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_still_an_error(unbuffered: str) -> None:
    command = [sys.executable, "-c", SCRIPT + "print('a', flush=True)"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, env=environment, check=False)
    assert ended.returncode != 0 and b"No space left on device" in ended.stderr


def test_encoding_and_buffering_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "latin-1", "replace", line_buffering=True))
    stdout.outlive_reader()
    out = sys.stdout
    assert isinstance(out, io.TextIOWrapper)
    assert (out.encoding, out.errors, out.line_buffering) == ("latin-1", "replace", True)
    assert out.write("ü\N{SNOWMAN}\n") == 3
    assert raw.getvalue() == b"\xfc?\n"


def test_a_character_that_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "latin-1"))
    stdout.outlive_reader()
    sys.stdout.write("ü\N{SNOWMAN}\n")
    sys.stdout.flush()
    assert raw.getvalue() == b"\xfc\\u2603\n"


def test_an_output_that_is_not_a_text_stream_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook, or in a test that captures."""
    captured = io.StringIO()
    monkeypatch.setattr(sys, "stdout", captured)
    stdout.outlive_reader()
    assert sys.stdout is captured
