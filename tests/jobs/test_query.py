"""`melanoma query`: one statement, one table on the terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cli import main
from tests.helpers import ROOT
from tests.helpers.score_rows import commit, failed, row


@pytest.fixture
def table(tmp_path: Path) -> str:
    commit(tmp_path / "scores", [row("a"), row("\x1b[2Jb"), failed("c")])
    return str(tmp_path / "scores")


def test_an_answer_is_printed(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", table, "SELECT status, count(*) AS n FROM scores GROUP BY ALL ORDER BY n"]) == 0
    said = capsys.readouterr()
    assert said.out == "status  n\n------  -\nfailed  1\nscored  2\n" and said.err == ""


def test_a_name_with_control_characters_is_printed_without_them(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", table, "SELECT image_id, image_uri FROM scores ORDER BY image_id"]) == 0
    said = capsys.readouterr().out
    assert "DOE-\N{REPLACEMENT CHARACTER}[2Jb" in said and "\x1b" not in said


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT nothing FROM scores", "the query failed"),
        ("SELECT * FROM read_text('/etc/passwd')", "file system operations are disabled"),
        ("COPY scores TO 'written.csv'", "file system operations are disabled"),
    ],
)
def test_a_query_that_cannot_be_answered_exits_with_2(
    table: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sql: str,
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["query", table, sql]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("melanoma: ") and complaint in said.err
    assert "Traceback" not in said.err and said.out == ""
    assert not (tmp_path / "written.csv").exists()


def test_an_absent_table_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(tmp_path / "absent"), "SELECT 1"]) == 2
    assert "no score table there" in capsys.readouterr().err
    assert main(["query", "memory://x", "SELECT 1"]) == 2
    assert "memory:// cannot hold the score table" in capsys.readouterr().err


def test_a_query_loads_neither_tensorflow_nor_beam_and_warns_of_nothing(table: str) -> None:
    words = [sys.executable, "-W", "error", "-X", "importtime", "-m", "jobs.cli", "query", table, "FROM scores"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "duckdb" in imported and not imported & {"tensorflow", "keras", "apache_beam"}
    assert [line for line in ended.stderr.splitlines() if not line.startswith("import time:")] == []
