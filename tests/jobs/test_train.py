"""`melanoma train` from the command line to a bundle that scoring accepts."""

import argparse
import csv
import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.train import add_arguments, run
from melanoma.bundle import load_bundle
from melanoma.errors import BundleError, DataError, UsageError
from tests.helpers import fill


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def fill_classes(root: Path) -> Path:
    for number, label in enumerate(("melanoma", "nv")):
        fill(root / label, 60, first=100 * number)
    return root


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A bundle from one epoch on 120 phantoms, and the words of the command."""
    folder = tmp_path_factory.mktemp("training")
    photographs = fill_classes(folder / "photographs")
    (photographs / "nv" / "copy.jpg").write_bytes((photographs / "nv" / "lesion-0100.jpg").read_bytes())
    (photographs / "nv" / "cut.jpg").write_bytes((photographs / "nv" / "lesion-0101.jpg").read_bytes()[:300])
    lesion_rows = "".join(f"lesion-{i:04d},melanoma,L{i // 3}\n" for i in range(59)) + "lesion-0059,nv,L59\n"
    (folder / "lesions.csv").write_text("image,diagnosis,lesion\n" + lesion_rows)
    (folder / "terms.txt").write_text("Drawn by a program.\nNo rights reserved.\n")
    words = [
        *("--data", str(photographs), "--reference", str(folder / "lesions.csv")),
        *("--id-column", "image", "--label-column", "diagnosis", "--group-column", "lesion"),
        *("--data-licence", str(folder / "terms.txt"), "--limit", "Phantoms are no lesions."),
        *("--size", "32x40", "--epochs", "1", "--seed", "5", "--output", str(folder / "phantoms-cnn")),
    ]
    assert run(parse(*words)) == 0
    return folder, words


def test_the_bundle_is_one_that_scoring_accepts(trained: tuple[Path, list[str]]) -> None:
    bundle = load_bundle(str(trained[0] / "phantoms-cnn"))
    assert bundle.slugs == ("melanoma", "nevus")
    assert (bundle.spec.height, bundle.spec.width) == (32, 40)
    assert bundle.decision_rule == "argmax"
    assert bundle.description["training"]["seed"] == 5
    assert {"curves.png", "history.csv", "split.csv"} < set(bundle.files)
    assert bundle.description["metrics"]["test"]["n"] > 0


def test_the_split_can_be_checked_against_the_photographs(trained: tuple[Path, list[str]]) -> None:
    folder = trained[0]
    rows = list(csv.DictReader((folder / "phantoms-cnn" / "split.csv").open()))
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "photographs").rglob("*.*")}
    assert len(rows) == len({row["sha256"] for row in rows}) == 119
    assert {row["sha256"] for row in rows} < digests
    parts_of: dict[str, set[str]] = {}
    for row in rows:
        parts_of.setdefault(row["group"], set()).add(row["part"])
    assert all(len(parts) == 1 for parts in parts_of.values())
    assert sum(group.startswith("L") for group in parts_of) == 20


def test_the_card_tells_what_was_taken_out_how_good_it_is_and_the_command(trained: tuple[Path, list[str]]) -> None:
    folder, words = trained
    card = (folder / "phantoms-cnn" / "card.md").read_text()
    assert "| found | 0 | 122 |" in card
    assert "| label contradicted by the reference | 1 | 121 |" in card
    assert "| further copies of a content | 1 | 120 |" in card
    assert re.search(r"\| bytes that give no photograph, \w+ 1 \| 1 \| 119 \|", card)
    assert re.search(r"balanced accuracy, always Mel.* \| 0\.500 \| 0\.500 to 0\.500 \| \d+ \|", card)
    assert "diagnoses nobody" in card
    assert "- Phantoms are no lesions." in card
    command = re.search(r"```\nmelanoma train (.*)\n```", card)
    assert command is not None
    assert parse(*shlex.split(command.group(1))) == parse(*words)


def test_the_licence_holds_the_terms_of_the_data(trained: tuple[Path, list[str]]) -> None:
    assert "Drawn by a program.\nNo rights reserved.\n" in (trained[0] / "phantoms-cnn" / "LICENSE").read_text()


def test_a_bundle_is_never_trained_over(trained: tuple[Path, list[str]]) -> None:
    with pytest.raises(BundleError, match="a bundle lies there already"):
        run(parse(*trained[1]))


def test_a_folder_with_other_files_is_refused_before_hours_of_training(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("of the project around it")
    with pytest.raises(BundleError, match="'LICENSE' lies there already"):
        run(parse("--data", "folder", "--data-licence", "CC0", "--output", str(tmp_path)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "table.csv"], "--root goes with"),
        (["--data", "folder", "--root", "photographs"], "--root goes with"),
        (["--data", "table.csv", "--root", "photographs"], "--id-column and --label-column go with"),
        (["--data", "folder", "--reference", "table.csv", "--id-column", "a"], "--id-column and --label-column"),
        (["--data", "folder", "--group-column", "lesion"], "--id-column and --label-column go with"),
        (["--data", "folder", "--data-licence", " "], "--data-licence is empty"),
        (["--data", "folder", "--output", "s3://models/new"], "local folder"),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_read(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse("--data-licence", "CC0", "--output", "nowhere/bundle", *words))
    assert not Path("nowhere").exists()


def test_one_class_cannot_be_trained_on(tmp_path: Path) -> None:
    fill(tmp_path / "photographs" / "nv", 10)
    words = ["--data", str(tmp_path / "photographs"), "--data-licence", "CC0", "--output", str(tmp_path / "bundle")]
    with pytest.raises(DataError, match="nevus 10; expected 5 each in 2 classes"):
        run(parse(*words))
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("words", [["--size", "16x16"], ["--size", "128"], ["--epochs", "0"], ["--seed", "-1"]])
def test_values_out_of_range_are_a_usage_error_of_the_command_line(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse("--data", "folder", "--data-licence", "CC0", "--output", "bundle", *words)


def test_the_command_starts_without_keras() -> None:
    script = "import argparse, sys, jobs.train as t; t.add_arguments(argparse.ArgumentParser());"
    script += "print([name for name in ('keras', 'tensorflow', 'pandas', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
