"""In any locale, names of files are read as UTF-8 and every text can be printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

NAME = "löwe \N{SNOWMAN}.csv"


def melanoma(locale: dict[str, str], *words: str | bytes) -> subprocess.CompletedProcess[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHONUTF8"))}
    command = [sys.executable, "-m", "jobs.cli", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, env=inherited | locale, check=False)


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0"}, NAME.encode()),
        ({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, NAME.encode()),
        ({"PYTHONIOENCODING": "latin-1"}, rb"l\xf6we \u2603.csv"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, rb"l\xf6we \u2603.csv"),
    ],
)
def test_names_are_utf8_in_an_eight_bit_locale(tmp_path: Path, locale: dict[str, str], shown: bytes) -> None:
    ended = melanoma(locale, "bundle", "inspect", os.fsencode(tmp_path / NAME))
    assert ended.returncode == 2 and ended.stderr.count(b"\n") == 1, ended.stderr
    assert shown in ended.stderr or shown.replace(rb"\xf6", b"\xf6") in ended.stderr


def test_a_file_is_found_and_written_under_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "löwe"
    ended = melanoma({"LC_ALL": "C", "PYTHONUTF8": "0"}, "samples", os.fsencode(folder), "--count", "6")
    assert ended.returncode == 0, ended.stderr
    assert sum(1 for path in folder.rglob("*") if path.is_file()) >= 6
