"""The one door for people: exit codes that schedulers can rely on, one line for a mistake, a traceback for a defect."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jobs
from jobs import cli
from jobs.cli import COMMANDS, main
from melanoma import __version__
from melanoma.errors import BundleError, DataError, MelanomaError, NothingCommittedError, UsageError

MODULE = """
from melanoma.errors import *

def add_arguments(parser):
    parser.add_argument("--word")

def run(args):
    {body}
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], int]]:
    """Adds a command of the given body to the real ones, and runs it."""
    monkeypatch.setattr(jobs, "__path__", [*jobs.__path__, str(tmp_path)])
    monkeypatch.setitem(cli.COMMANDS, "trial", "whatever a test wants")

    def run(body: str, *words: str) -> int:
        (tmp_path / "trial.py").write_text(MODULE.format(body=body))
        sys.modules.pop("jobs.trial", None)
        return main(["trial", *words])

    yield run
    sys.modules.pop("jobs.trial", None)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as on a terminal, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Gives the one line on the error stream; nothing is on the other."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("melanoma: ") and captured.err.count("\n") == 1
    return captured.err.strip()


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (BundleError, 2), (DataError, 2), (MelanomaError, 2), (NothingCommittedError, 3)],
)
def test_an_error_of_ours_is_one_line_and_its_exit_code(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], error: type[MelanomaError], code: int
) -> None:
    assert command(f"raise {error.__name__}('found this; do that')") == code
    assert said(capsys) == "melanoma: found this; do that"


def test_every_error_of_ours_has_an_exit_code() -> None:
    assert {kind.__name__ for kind in MelanomaError.__subclasses__()} >= {
        "UsageError",
        "BundleError",
        "DataError",
        "NothingCommittedError",
    }


@pytest.mark.parametrize("code", [0, 1])
def test_a_command_that_ends_gives_its_own_code(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], code: int
) -> None:
    assert command(f"return {code}") == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("body", ["raise ValueError('unforeseen')", "raise AssertionError('unforeseen')"])
def test_a_defect_exits_with_70_and_its_traceback(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], body: str
) -> None:
    assert command(body) == 70
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err and "unforeseen" in err and "trial.py" in err
    assert err.strip().split("\n")[-1].startswith("melanoma: this is a bug in melanoma; please report the lines above")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_exits_with_130(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("import signal, time; signal.raise_signal(signal.SIGINT); time.sleep(30)") == 130
    assert said(capsys) == "melanoma: stopped"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "the following arguments are required: COMMAND; see melanoma --help"),
        (["predict"], "invalid choice: 'predict'"),
        (["Score"], "invalid choice: 'Score'"),
        (["--vers"], "COMMAND"),
        (["query"], "the following arguments are required: TABLE; see melanoma query --help"),
        (["query", "t", "SELECT 1", "more"], "unrecognized arguments: more"),
        (["bundle"], "the following arguments are required: ACTION"),
        (["bundle", "destroy"], "invalid choice: 'destroy'"),
        (["bundle", "inspect", "a", "b"], "unrecognized arguments: b"),
        (["query", "t", "SELECT 1", "--", "--runner=FlinkRunner"], "melanoma query does not use"),
        (["bundle", "inspect", "x", "--", "-x"], "melanoma bundle does not use"),
        (["samples", "x", "--", "--", "y"], "melanoma samples does not use"),
        (["--", "score"], "required: COMMAND"),
        (["query", "--", "t", "SELECT 1"], "required: TABLE"),
    ],
)
def test_wrong_words_exit_with_2_and_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert main(words) == 2
    assert complaint in said(capsys)


def test_two_dashes_inside_a_word_are_part_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(tmp_path), "SELECT 1 -- one"]) == 2
    assert "no score table there" in said(capsys)


def test_the_name_of_a_command_may_be_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "score", "train"]) == 2
    assert said(capsys).startswith("melanoma: score: no score table there")


def test_beams_words_reach_the_command_that_uses_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    given = ["--images", str(tmp_path), "--bundle", "x", "--output", "y"]
    assert main(["score", *given, "--", "--no_such_option=1"]) == 2
    assert "Beam has no option" in said(capsys)


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_every_command_has_a_help_that_says_it_diagnoses_nobody(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "diagnoses anybody" in text and "docs/use/operations.md" in text
    purposes = COMMANDS.values() if words == ["--help"] else [COMMANDS[words[0]]]
    assert all(purpose in text for purpose in purposes)


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_goes_on_where_nobody_reads_any_more(unbuffered: str) -> None:
    script = "import sys; from jobs.console import stdout; stdout.be_patient(); print('a' * 200_000);"
    script += "print('b', flush=True);"
    script += "sys.stdout.write('c'); sys.stderr.write('done')"
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b"done" and process.wait() == 0
