"""No command replaces what is no file or folder: it is refused before anything else is read."""

import os
import stat
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.console.exit_codes import WRONG_USAGE

_LABELS = ("--labels", "nowhere.csv", "--id-column", "a", "--label-column", "b")
_SCORE = ("score", "--images", "nowhere", "--bundle", "nowhere")
COMMANDS = {
    "score --output": (*_SCORE, "--output", "TARGET"),
    "score --dry-run": (*_SCORE, "--dry-run", "--output", "TARGET"),
    "score --metrics-file": (*_SCORE, "--output", "nowhere", "--metrics-file", "TARGET"),
    "doctor --output": ("doctor", "--images", "nowhere", "--bundle", "nowhere", "--output", "TARGET"),
    "audit --output": ("audit", "nowhere", "--output", "TARGET"),
    "evaluate --output": ("evaluate", "nowhere", *_LABELS, "--output", "TARGET"),
    "compare --output": ("compare", "nowhere", "--output", "TARGET"),
    "augment --preview": ("augment", "--data", "nowhere", "--preview", "TARGET"),
    "augment --output": ("augment", "--data", "nowhere", "--output", "TARGET", "--per-class", "3"),
    "train --output": ("train", "--data", "nowhere", "--data-licence", "none", "--output", "TARGET"),
    "bundle import": ("bundle", "import", "nowhere", "--labels", "a", "b", "--size", "8x8", "--output", "TARGET"),
    "samples": ("samples", "TARGET"),
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_pipe_is_refused_and_stays(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    assert main([word.replace("TARGET", "pipe") for word in words]) == WRONG_USAGE
    out, err = capsys.readouterr()
    assert (out + err).count("pipe: is a pipe, not a f") == 1
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    assert os.listdir() == ["pipe"]


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_dash_makes_no_folder_of_that_name(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.replace("TARGET", "-") for word in words]) == WRONG_USAGE
    out, err = capsys.readouterr()
    assert "-: standard output cannot be used here" in out + err
    assert not os.listdir()
