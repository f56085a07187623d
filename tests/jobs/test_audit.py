"""`melanoma audit` from the command line to its tables, page and exit code."""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.audit import add_arguments, run
from jobs.cli import main
from melanoma.errors import NothingCommittedError, UsageError
from tests.helpers import fill, photograph


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """Two clean sets of class folders."""
    fill(tmp_path / "train" / "nevus", 3)
    fill(tmp_path / "test" / "nevus", 2, first=10)
    return tmp_path / "train", tmp_path / "test"


def test_clean_sets_are_exit_0_and_say_so(sets: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *map(str, sets)]) == 0
    printed = capsys.readouterr().out
    assert "nothing found" in printed
    assert [line.split() for line in printed.splitlines()[1:3]] == [["train", "3", "3", "3"], ["test", "2", "2", "2"]]


def test_a_leak_is_exit_1_and_stands_in_table_json_and_page(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sets[1] / "nevus" / "again.jpg").write_bytes((sets[0] / "nevus" / "lesion-0000.jpg").read_bytes())
    assert main(["audit", *map(str, sets), "--output", str(tmp_path / "out")]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audit.html", "audit.json", "findings.csv"]
    rows = list(csv.DictReader((tmp_path / "out" / "findings.csv").open()))
    assert [(row["kind"], row["basis"], row["second_id"]) for row in rows] == [("leak", "content", "again")]
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["findings"][0]["of"] == 3
    assert (tmp_path / "out" / "audit.html").read_text().count("<img ") == 2
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if line.startswith("leaks"))
    assert line.split() == ["leaks", "test", "and", "train", "identical", "bytes", "1", "of", "3", "test"]
    assert "do not publish" in printed
    assert "again" not in printed


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 0), (["--fail-on", "duplicate"], 1), (["--fail-on", "leak", "--fail-on", "duplicate"], 1)],
)
def test_what_fails_is_a_choice(sets: tuple[Path, Path], words: list[str], code: int) -> None:
    (sets[0] / "nevus" / "again.jpg").write_bytes((sets[0] / "nevus" / "lesion-0000.jpg").read_bytes())
    assert run(parse(*map(str, sets), *words)) == code


def test_nothing_need_fail(sets: tuple[Path, Path]) -> None:
    (sets[1] / "nevus" / "again.jpg").write_bytes((sets[0] / "nevus" / "lesion-0000.jpg").read_bytes())
    assert run(parse(*map(str, sets), "--fail-on", "nothing")) == 0
    with pytest.raises(UsageError, match="excludes every other"):
        run(parse(*map(str, sets), "--fail-on", "nothing", "--fail-on", "leak"))


def test_a_broken_file_is_reported_not_raised(sets: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    (sets[0] / "nevus" / "cut.jpg").write_bytes(photograph(5)[:300])
    assert run(parse(*map(str, sets), "--fail-on", "broken")) == 1
    assert "unreadable files 1" in capsys.readouterr().out


def test_a_table_with_parts_is_audited_as_a_split(tmp_path: Path) -> None:
    paths = fill(tmp_path / "photographs", 4)
    rows = [
        f"{path.stem},nv,L{index // 2},{part}" for index, (path, part) in enumerate(zip(paths, "abab", strict=True))
    ]
    (tmp_path / "split.csv").write_text("image_id,label,group,part\n" + "\n".join(rows) + "\n")
    words = ["--root", str(tmp_path / "photographs"), "--id-column", "image_id", "--label-column", "label"]
    assert run(parse(str(tmp_path / "split.csv"), *words, "--part-column", "part")) == 0
    words += ["--group-column", "group", "--part-column", "part", "--output", str(tmp_path / "out")]
    assert run(parse(str(tmp_path / "split.csv"), *words)) == 1
    rows = list(csv.DictReader((tmp_path / "out" / "findings.csv").open()))
    assert [(row["basis"], row["first_part"], row["second_part"]) for row in rows] == [("group", "a", "b")] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table.csv"], "--root goes with"),
        (["folder", "--root", "photographs"], "--root goes with"),
        (["table.csv", "--root", "photographs"], "--id-column and --label-column go with"),
        (["folder", "--reference", "table.csv", "--id-column", "a"], "--id-column and --label-column"),
        (["folder", "--group-column", "lesion"], "--id-column and --label-column go with"),
        (["folder", "--part-column", "part"], "--part-column goes with"),
        (["folder", "folder"], "a set is given twice"),
    ],
)
def test_arguments_that_cannot_work_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse(*words))


def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NothingCommittedError, match="cannot be written"):
        run(parse(str(tmp_path / "nowhere"), "--output", str(tmp_path / "file" / "out")))


def test_the_command_starts_without_anything_heavy() -> None:
    script = "import argparse, sys, jobs.audit as a; a.add_arguments(argparse.ArgumentParser());"
    script += "print([name for name in ('keras', 'tensorflow', 'pandas', 'imagehash', 'PIL') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_audit_loads_neither_keras_nor_beam(sets: tuple[Path, Path]) -> None:
    script = f"import sys, jobs.cli; jobs.cli.main(['audit', *{list(map(str, sets))!r}]);"
    script += "print([name for name in ('keras', 'tensorflow', 'apache_beam') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
