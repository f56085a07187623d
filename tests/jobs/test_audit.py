"""`melanoma audit` from the command line to its tables, page and exit code."""

import argparse
import csv
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from jobs.audit import AuditOptions, add_arguments, run
from jobs.cli import main
from melanoma.errors import DataError, UsageError
from melanoma.images import encoding
from melanoma.samples import phantoms
from tests.helpers import fill, photograph


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """Two clean sets, with one subfolder per class."""
    fill(tmp_path / "train" / "nevus", 3)
    fill(tmp_path / "test" / "nevus", 2, first=10)
    return tmp_path / "train", tmp_path / "test"


def copy_first(sets: tuple[Path, Path], to: int) -> None:
    """Copies a photograph of the first set into one of the sets."""
    (sets[to] / "nevus" / "again.jpg").write_bytes((sets[0] / "nevus" / "lesion-0000.jpg").read_bytes())


def test_clean_sets_exit_with_0_and_are_reported_as_clean(
    sets: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", *map(str, sets)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "set    photographs  images  groups",
        "train            3       3       3",
        "test             2       2       2",
        "",
        "nothing found: no leaks, contradictory labels, divided groups, duplicates or unreadable files",
    ]


def test_a_leak_exits_with_1_and_is_in_table_json_and_page(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_first(sets, to=1)
    assert main(["audit", *map(str, sets), "--output", str(tmp_path / "out")]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["audit.html", "audit.json", "findings.csv"]
    rows = list(csv.DictReader((tmp_path / "out" / "findings.csv").open()))
    assert [(row["kind"], row["basis"], row["second_id"]) for row in rows] == [("leak", "content", "again")]
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["findings"][0]["of"] == 3
    assert (tmp_path / "out" / "audit.html").read_text().count("<img ") == 2
    printed = capsys.readouterr().out.splitlines()
    assert "leaks    test and train  identical bytes      1  of 3 test" in printed
    assert (
        "photographs affected: leaks 2, contradictory labels 0, divided groups 0, duplicates 0, unreadable files 0"
        in printed
    )
    assert printed[-1].startswith(f"{tmp_path}/out: findings.csv, audit.json, audit.html (the page holds photographs")
    assert not [line for line in printed if "again" in line], "no name of a photograph is printed"


def test_examples_limits_the_pairs_on_the_page(sets: tuple[Path, Path], tmp_path: Path) -> None:
    copy_first(sets, to=1)
    run(parse(*map(str, sets), "--output", str(tmp_path / "out"), "--examples", "0"))
    assert "<img " not in (tmp_path / "out" / "audit.html").read_text()


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 0), (["--fail-on", "duplicate"], 1), (["--fail-on", "leak", "--fail-on", "duplicate"], 1)],
)
def test_only_chosen_kinds_of_findings_fail(sets: tuple[Path, Path], words: list[str], code: int) -> None:
    copy_first(sets, to=0)
    assert run(parse(*map(str, sets), *words)) == code


def test_with_fail_on_nothing_a_finding_exits_with_0(sets: tuple[Path, Path]) -> None:
    copy_first(sets, to=1)
    assert run(parse(*map(str, sets), "--fail-on", "nothing")) == 0
    with pytest.raises(UsageError, match="cannot be combined with another"):
        run(parse(*map(str, sets), "--fail-on", "nothing", "--fail-on", "leak"))


def test_an_unreadable_file_is_a_finding_and_not_an_error(
    sets: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (sets[0] / "nevus" / "cut.jpg").write_bytes(photograph(5)[:300])
    assert run(parse(*map(str, sets), "--fail-on", "broken")) == 1
    assert "unreadable files 1" in capsys.readouterr().out


def test_turned_copies_are_searched_for_unless_upright(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "train" / "nevus", 1)
    (tmp_path / "test" / "nevus").mkdir(parents=True)
    turned = np.ascontiguousarray(np.rot90(phantoms.draw(0, 60, 80)))
    (tmp_path / "test" / "nevus" / "turned.png").write_bytes(encoding.encode(turned, "png"))
    words = [str(tmp_path / "train"), str(tmp_path / "test")]
    assert run(parse(*words)) == 1
    assert "near duplicate" in capsys.readouterr().out
    assert run(parse(*words, "--upright")) == 0


def test_folders_of_months_are_one_unlabelled_set(tmp_path: Path) -> None:
    fill(tmp_path / "2026-01", 1)
    fill(tmp_path, 1, first=5)
    with pytest.raises(DataError, match="is outside a class folder"):
        run(parse(str(tmp_path)))
    assert run(parse(str(tmp_path), "--unlabelled")) == 0


def test_small_counts_beyond_six_lines_are_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five sides that all show one photograph leak in ten pairs of sides, on two bases."""
    for side in "abcde":
        (tmp_path / side / "nevus").mkdir(parents=True)
        (tmp_path / side / "nevus" / "same.jpg").write_bytes(photograph(1))
    assert run(parse(*(str(tmp_path / side) for side in "abcde"))) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum("identical bytes" in line for line in lines) == sum("same id" in line for line in lines) == 6
    assert "lines with smaller counts: 8, in audit.json under --output" in lines


def test_a_table_with_parts_is_audited_as_a_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = fill(tmp_path / "photographs", 4)
    rows = [
        f"{path.stem},nv,L{index // 2},{part}" for index, (path, part) in enumerate(zip(paths, "abab", strict=True))
    ]
    (tmp_path / "split.csv").write_text("image_id,label,group,part\n" + "\n".join([*rows, "gone,nv,L9,a"]) + "\n")
    words = ["--root", str(tmp_path / "photographs"), "--id-column", "image_id", "--label-column", "label"]
    assert run(parse(str(tmp_path / "split.csv"), *words, "--part-column", "part")) == 0
    assert "split.csv  1 listed but absent            4       4       4" in capsys.readouterr().out
    words += ["--group-column", "group", "--part-column", "part", "--output", str(tmp_path / "out")]
    assert run(parse(str(tmp_path / "split.csv"), *words)) == 1
    rows = list(csv.DictReader((tmp_path / "out" / "findings.csv").open()))
    assert [(row["basis"], row["first_part"], row["second_part"]) for row in rows] == [("group", "a", "b")] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table.csv"], "--root goes with"),
        (["folder", "--root", "photographs"], "--root goes with"),
        (["folder", "--group-column", "lesion"], "--id-column and --label-column go with"),
        (["folder", "--part-column", "part"], "--part-column goes with"),
        (["folder", "--source-column", "hospital"], "--source-column goes with"),
        (["folder", "folder"], "a set is given twice"),
    ],
)
def test_arguments_that_cannot_work_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse(*words))


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="lies below a file"):
        run(parse(str(tmp_path / "nowhere"), "--output", str(tmp_path / "file" / "out")))


def test_an_output_on_a_store_without_such_a_bucket_is_refused_before_anything_is_read(s3_endpoint: str) -> None:
    with pytest.raises(UsageError, match="the output s3://no-such-bucket/out does not exist: the store has no bucket"):
        run(parse("nowhere", "--output", "s3://no-such-bucket/out"))


def test_the_probe_of_the_output_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of photographs"):
        run(parse(str(tmp_path / "nowhere"), "--output", str(tmp_path / "out")))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_options_are_frozen_and_carry_the_names_of_their_flags() -> None:
    words = ["a", "b.csv", "--root", "r", "--upright", "--fail-on", "leak", "--id-column", "i", "--label-column", "l"]
    options = AuditOptions.from_args(parse(*words))
    assert (options.data, options.root, options.fail_on) == (("a", "b.csv"), ("r",), ("leak",))
    assert (options.upright, options.unlabelled, options.output, options.examples) == (True, False, None, 24)
    with pytest.raises(FrozenInstanceError):
        options.output = "elsewhere"  # type: ignore[misc]


def test_the_audit_command_starts_without_heavy_libraries() -> None:
    script = "import argparse, sys, jobs.audit as a; a.add_arguments(argparse.ArgumentParser());"
    script += "print([name for name in ('keras', 'tensorflow', 'pandas', 'imagehash', 'PIL') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_audit_loads_neither_keras_nor_beam(sets: tuple[Path, Path]) -> None:
    script = f"import sys, jobs.cli; jobs.cli.main(['audit', *{list(map(str, sets))!r}]);"
    script += "print([name for name in ('keras', 'tensorflow', 'apache_beam') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
