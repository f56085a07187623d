"""A process continues after the reader of its output is gone, but a full disk is still an error."""

import io
import os
import shlex
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
    assert ended.returncode != 0 and b"OutputError" in ended.stderr and b"No space left on device" in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["bundle", "list"], ["completion", "bash"]])
def test_a_command_whose_result_could_not_be_printed_says_so(words: list[str]) -> None:
    command = [sys.executable, "-m", "jobs.cli", *words]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr.startswith(b"melanoma: standard output cannot be written (No space left on device)")
    assert ended.stderr.count(b"\n") == 1


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


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "<&- 2>&-"])
def test_a_closed_stream_leads_nowhere_and_no_file_takes_its_place(tmp_path: Path, closed: str) -> None:
    script = (
        "import sys\nfrom jobs.console import stdout\nstdout.open_closed()\nstdout.outlive_reader()\n"
        f"file = open({str(tmp_path / 'table')!r}, 'w')\nprint('to nobody', flush=True)\n"
        "print('nor this', file=sys.stderr, flush=True)\nsys.stdin.read()\n"
        "file.write(f'{file.fileno() > 2} {sys.stdout.fileno()} {sys.stderr.fileno()}')\n"
    )
    command = f"exec {sys.executable} -c {shlex.quote(script)} {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "table").read_text() == "True 1 2"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_photographs_are_decoded_though_a_stream_is_closed(tmp_path: Path, closed: str) -> None:
    script = (
        "from pathlib import Path\nfrom jobs.console import stdout\nstdout.open_closed()\n"
        "from melanoma.images.decoder_pool import DecoderPool\nfrom melanoma.images.decoding import ImageSpec\n"
        "from melanoma.images.headers import read_header\nfrom tests.helpers import photograph\n"
        "data = photograph(1)\nresults = DecoderPool(1).decode(data, read_header(data), [ImageSpec(16, 16)]).results\n"
        f"Path({str(tmp_path / 'shape')!r}).write_text(str(results[0].shape))\n"
    )
    command = f"exec {sys.executable} -c {shlex.quote(script)} {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "shape").read_text() == "(16, 16, 3)"
