"""`melanoma train` from the command line to a bundle that scoring accepts."""

import argparse
import csv
import errno
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs.train import add_arguments, run
from jobs.train_checks import clear_disk_error
from melanoma.errors import BundleError, DataError, NothingCommittedError, UsageError
from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine
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
        *("--network", "assignment-cnn", "--size", "32x40", "--epochs", "2", "--seed", "5"),
        *("--validation-share", "0.2", "--test-share", "0.2", "--output", str(folder / "phantoms-cnn")),
    ]
    assert run(parse(*words)) == 0
    return folder, words


def test_the_bundle_is_one_that_scoring_accepts(trained: tuple[Path, list[str]]) -> None:
    bundle = load_bundle(str(trained[0] / "phantoms-cnn"))
    assert bundle.slugs == ("melanoma", "nevus")
    assert (bundle.spec.height, bundle.spec.width) == (32, 40)
    assert bundle.decision_rule == "balanced"
    assert set(bundle.thresholds) == {"melanoma", "review_below", "ood_above"}
    assert bundle.prior == pytest.approx((0.5, 0.5), abs=0.05)
    assert bundle.description["training"]["seed"] == 5
    pictures = {"counts.png", "curves.png", "review.png"}
    assert {*pictures, "evaluation.html", "evaluation.json", "history.csv", "split.csv"} < set(bundle.files)
    assert not list(trained[0].rglob("*checkpoint.npz"))
    assert bundle.description["metrics"]["test"]["n"] > 0
    assert load_engine(bundle, 8).score(np.zeros((1, 32, 40, 3), np.uint8)).ood is not None


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
    assert "| further copies of an image | 1 | 120 |" in card
    assert re.search(r"\| unreadable files, \w+ 1 \| 1 \| 119 \|", card)
    assert re.search(r"balanced accuracy, always Mel.* \| 0\.500 \| 0\.500 to 0\.500 \| \d+ \|", card)
    assert "Daneshjou" in card
    assert "false alarms" in card
    assert "does not diagnose anybody" in card
    assert "- Phantoms are no lesions." in card
    command = re.search(r"```\nmelanoma train (.*)\n```", card)
    assert command is not None
    again = vars(parse(*shlex.split(command.group(1))))
    assert {name: again[name] for name, value in vars(parse(*words)).items() if value not in (None, [])} == {
        name: value for name, value in vars(parse(*words)).items() if value not in (None, [])
    }
    assert again["train_size"] == [(32, 40)]
    assert again["look"] == "augmentor"
    assert "--teach" not in command.group(1)  # nobody did


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
        (["--data", "folder", "--mixup", "1.5"], "--mixup 1.5: must be from 0 to 1"),
        (["--data", "folder", "--taught-by", "lite2", "--teaching", "1.5"], "--teaching 1.5: must be from 0 to 1"),
        (["--data", "folder", "--teaching", "0.5"], "--teaching and --teacher-epochs need --taught-by"),
        (["--data", "folder", "--teacher-epochs", "5"], "--teaching and --teacher-epochs need --taught-by"),
        (["--data", "folder", "--balance", "nan"], "--balance nan: must be from 0 to 1"),
        (["--data", "folder", "--label-smoothing", "1"], "--label-smoothing 1.0: must be from 0 and below 1"),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_read(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse("--data-licence", "CC0", "--output", "nowhere/bundle", *words))
    assert not Path("nowhere").exists()


def test_one_class_cannot_be_trained_on(tmp_path: Path) -> None:
    fill(tmp_path / "photographs" / "nv", 10)
    words = ["--data", str(tmp_path / "photographs"), "--data-licence", "CC0", "--output", str(tmp_path / "bundle")]
    with pytest.raises(DataError, match="nevus 10; expected at least 5 in each of 2 classes"):
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


def lesion_words(folder: Path, output: Path, *words: str) -> list[str]:
    """The words of a quick training on a table of 120 phantoms of 60 lesions."""
    return [
        *("--data", str(folder / "table.csv"), "--root", str(folder / "photographs"), "--by", "sex,age"),
        *("--id-column", "image", "--label-column", "diagnosis", "--group-column", "lesion", "--data-licence", "CC0"),
        *("--network", "assignment-cnn", "--size", "32x32", "--epochs", "2", "--output", str(output), *words),
    ]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    paths = fill(folder / "photographs", 120)
    rows = [
        f"{path.stem},{'mel' if i % 4 < 2 else 'nv'},L{i // 2},{i % 90},{'mf'[i % 2]}" for i, path in enumerate(paths)
    ]
    (folder / "table.csv").write_text("\n".join(["image,diagnosis,lesion,age,sex", *rows]) + "\n")
    return folder


def run_until_trained(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a training that is stopped before its bundle is made."""

    def stop(plan: object, trained: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("melanoma.training.release.candidate.make_candidate", stop)
        with pytest.raises(KeyboardInterrupt):
            run(parse(*words))


def test_a_killed_training_is_taken_up_by_its_own_command(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = lesion_words(table, tmp_path / "bundle")
    run_until_trained(words, monkeypatch)
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == [
        "checkpoint.npz",
        "history.csv",
        "split.csv",
    ]
    with pytest.raises(UsageError, match="holds an unfinished training; give --resume"):
        run(parse(*words))
    capsys.readouterr()
    assert run(parse(*words, "--resume")) == 0
    assert "epoch 1 of" not in capsys.readouterr().out
    bundle = load_bundle(str(tmp_path / "bundle"))
    assert len(bundle.files["history.csv"].splitlines()) == 3
    assert "--resume" not in bundle.description["training"]["command"]
    assert set(bundle.description["metrics"]["test"]["subgroups"]) == {"age", "sex"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--learning-rate", "nan"), "must be above 0 and at most 1"),
        (("--learning-rate", "0"), "must be above 0 and at most 1"),
        (("--head-epochs", "2"), "must be fewer than --epochs, which is 2"),
        (("--by", "agee"), "no column 'agee'"),
        (("--data-licence", "LICENCE.txt"), "No such file or directory; give a text file"),
        (("--data-licence", "."), "Is a directory; give a text file"),
        (("--data-licence", " "), "is empty; give the terms"),
    ],
)
def test_slips_end_it_before_anything_is_looked_at(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        run(parse(*lesion_words(table, tmp_path / "bundle", *words)))
    assert "photographs" not in capsys.readouterr().out
    assert not (tmp_path / "bundle").exists()


def test_terms_that_are_no_text_are_a_usage_error(table: Path, tmp_path: Path) -> None:
    (tmp_path / "LICENCE").write_bytes(b"\xff\xfe terms")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        run(parse(*lesion_words(table, tmp_path / "bundle", "--data-licence", str(tmp_path / "LICENCE"))))


def test_a_folder_that_cannot_be_written_is_a_usage_error(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="file is not a writable folder; choose another one"):
        run(parse(*lesion_words(table, tmp_path / "file" / "bundle")))


def test_a_full_disk_is_told_and_anything_else_is_not_mistaken_for_it() -> None:
    told = "bundle: No space left on device; fix that, then continue with --resume"
    with pytest.raises(NothingCommittedError, match=told), clear_disk_error("bundle"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), clear_disk_error("bundle"):
        Path("nowhere").read_bytes()


def test_a_backend_that_is_not_installed_is_named(table: Path, tmp_path: Path) -> None:
    script = "import sys; from jobs import cli; sys.exit(cli.main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "train", *lesion_words(table, tmp_path / "bundle")]
    environment = os.environ | {"KERAS_BACKEND": "bogus"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "KERAS_BACKEND=bogus: Keras cannot load it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_training_killed_while_its_bundle_was_written_is_taken_up(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = lesion_words(table, tmp_path / "bundle")
    run_until_trained(words, monkeypatch)
    (tmp_path / "bundle" / "checkpoint.npz").rename(tmp_path / ".bundle-checkpoint.npz")  # as it lies just then
    assert run(parse(*words, "--resume")) == 0
    assert not list(tmp_path.glob(".bundle-*"))


def test_there_must_be_something_to_resume(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing to --resume"):
        run(parse(*lesion_words(table, tmp_path / "new", "--resume")))


def split_of(table: Path, target: Path, by: int) -> Path:
    """Parts by the number of a photograph: by 2 keeps lesions whole, by 1 tears them."""
    rows = (table / "table.csv").read_text().splitlines()[1:]
    parts = ("train", "train", "train", "validation", "test")
    lines = [f"{row.split(',')[0]},,{parts[i // by % 5]}" for i, row in enumerate(rows)]
    target.write_text("\n".join(["image_id,group,part", *lines]) + "\n")
    return target


def test_a_split_that_tears_lesions_is_refused(table: Path, tmp_path: Path) -> None:
    torn = split_of(table, tmp_path / "torn.csv", by=1)
    with pytest.raises(DataError, match="is in train and in validation"):
        run(parse(*lesion_words(table, tmp_path / "bundle", "--split", str(torn))))
    assert not (tmp_path / "bundle").exists()


def test_near_duplicates_on_two_sides_are_refused_unless_allowed(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with-twin"
    shutil.copytree(table, folder)
    twin = folder / "photographs" / "twin.jpg"
    original = Image.open(folder / "photographs" / "lesion-0000.jpg")
    original.resize((160, 120)).save(twin, quality=60)
    with (folder / "table.csv").open("a") as file:
        file.write("twin,mel,L-twin,50,f\n")
    parts = split_of(table, tmp_path / "split.csv", by=2)
    with parts.open("a") as file:
        file.write("twin,,test\n")
    words = lesion_words(folder, tmp_path / "bundle", "--split", str(parts))
    with pytest.raises(DataError, match="the split leaks: 1 by near duplicate between test and train"):
        run(parse(*words))
    assert not (tmp_path / "bundle").exists()
    assert run(parse(*words, "--allow-leaks")) == 0
    assert "The split leaks" in (tmp_path / "bundle" / "card.md").read_text()


def test_weights_are_taken_over_only_where_the_splits_agree(table: Path, tmp_path: Path) -> None:
    first = split_of(table, tmp_path / "first.csv", by=2)
    assert run(parse(*lesion_words(table, tmp_path / "old", "--split", str(first)))) == 0
    shifted = tmp_path / "shifted.csv"
    turn = {"train": "test", "validation": "train", "test": "validation"}
    rows = [line.split(",") for line in first.read_text().splitlines()[1:]]
    shifted.write_text("\n".join(["image_id,group,part", *(f"{name},,{turn[part]}" for name, _, part in rows)]) + "\n")
    heir = ("--start-from", str(tmp_path / "old"), "--split")
    with pytest.raises(DataError, match="was trained on 72 of the 96 validation and test photographs"):
        run(parse(*lesion_words(table, tmp_path / "new", *heir, str(shifted))))
    assert run(parse(*lesion_words(table, tmp_path / "new", *heir, str(first)))) == 0


def test_what_a_grandparent_was_trained_on_judges_no_grandchild(table: Path, tmp_path: Path) -> None:
    """The second bundle has never seen the first twelve photographs; the one that it was started from has."""
    first = split_of(table, tmp_path / "first.csv", by=2)
    parts = dict(line.split(",,") for line in first.read_text().splitlines()[1:])
    early = [name for name, part in parts.items() if part == "train"][:12]
    smaller = tmp_path / "smaller"
    shutil.copytree(table, smaller)
    head, *rows = (smaller / "table.csv").read_text().splitlines()
    (smaller / "table.csv").write_text(
        "\n".join([head, *(row for row in rows if row.split(",")[0] not in early)]) + "\n"
    )
    assert run(parse(*lesion_words(table, tmp_path / "old", "--split", str(first)))) == 0
    heir = ("--start-from", str(tmp_path / "old"), "--split", str(first))
    assert run(parse(*lesion_words(smaller, tmp_path / "new", *heir))) == 0
    ancestry = (tmp_path / "new" / "ancestry.csv").read_text().splitlines()
    assert ancestry[0] == "image_id,sha256,group" and len(ancestry) == 1 + 72
    old = load_bundle(str(tmp_path / "old")).model_id
    terms = (tmp_path / "new" / "LICENSE").read_text()
    assert terms.count("CC0") == 2 and f"Its training started from {old}, whose terms also apply" in terms
    assert f"All layers but the last started with the weights of {old}." in (tmp_path / "new" / "card.md").read_text()
    other = tmp_path / "other.csv"
    lines = [f"{name},,{'test' if name in early else part}" for name, part in parts.items()]
    other.write_text("\n".join(["image_id,group,part", *lines]) + "\n")
    grandchild = ("--start-from", str(tmp_path / "new"), "--split", str(other))
    with pytest.raises(DataError, match="was trained on 12 of the 60 validation and test photographs"):
        run(parse(*lesion_words(table, tmp_path / "third", *grandchild)))


def test_another_backend_of_keras_trains_and_tensorflow_judges(tmp_path: Path) -> None:
    photographs = fill_classes(tmp_path / "photographs")
    words = [
        *("train", "--data", str(photographs), "--data-licence", "None", "--network", "assignment-cnn"),
        *("--size", "32x40", "--epochs", "2", "--look", "views", "--precision", "bfloat16", "--processes", "2"),
        *("--taught-by", "assignment-cnn", "--teacher-epochs", "1", "--batch-size", "8", "--mixup", "0.5"),
        *("--validation-share", "0.2", "--test-share", "0.2", "--output", str(tmp_path / "bundle")),
    ]
    command = [sys.executable, "-m", "jobs.cli", *words]
    done = subprocess.run(command, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "trained with jax; continuing with tensorflow" in done.stdout
    bundle = load_bundle(str(tmp_path / "bundle"))
    assert bundle.description["training"]["backends"] == ["jax"]
    card = (tmp_path / "bundle" / "card.md").read_text()
    assert "Trained by Keras with jax (set `KERAS_BACKEND=jax` before the command)." in card
    assert "--precision bfloat16" in bundle.description["training"]["command"]
    assert "--processes" not in bundle.description["training"]["command"]  # no pixel depends on it
    assert len((tmp_path / "bundle" / "history.csv").read_text().splitlines()) == 1 + 2
    assert load_engine(bundle, 8).score(np.zeros((1, 32, 40, 3), np.uint8)).probabilities.sum() == pytest.approx(1)


def test_teachers_are_trained_first_and_do_not_ship(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taught = ("--taught-by", "assignment-cnn", "--taught-by", "assignment-cnn", "--teacher-epochs", "1")
    words = lesion_words(table, tmp_path / "bundle", *taught, "--teaching", "0.5")
    run_until_trained(words, monkeypatch)
    said = capsys.readouterr().out
    told = [said.index(f"teacher {number} of 2 (assignment-cnn), epoch 1 of 1") for number in (1, 2)]
    assert told == sorted(told) and told[-1] < said.index("\nepoch 1 of 2")
    teachers = sorted((tmp_path / "bundle").glob("teacher-*.npz"))
    with np.load(teachers[0]) as first, np.load(teachers[1]) as second:
        assert any(not np.array_equal(first[name], second[name]) for name in first.files if name.startswith("average"))
    for path in teachers:  # nobody needs them any more
        path.write_bytes(b"")
    assert run(parse(*words, "--resume")) == 0
    assert "epoch" not in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.npz"))
    bundle = load_bundle(str(tmp_path / "bundle"))
    assert bundle.description["training"]["recipe"]["taught_by"] == ["assignment-cnn"] * 2
    assert "--taught-by assignment-cnn --taught-by assignment-cnn" in bundle.description["training"]["command"]
    assert "--teaching 0.5 --teacher-epochs 1" in bundle.description["training"]["command"]
    card = (tmp_path / "bundle" / "card.md").read_text()
    assert "Trained by Keras with tensorflow." in card
    assert "Distilled from 2 networks (" in card and "not in the bundle" in card


def test_an_unknown_teacher_ends_it_before_the_first_is_trained(table: Path, tmp_path: Path) -> None:
    taught = ("--taught-by", "assignment-cnn", "--taught-by", "lite9", "--teacher-epochs", "1")
    with pytest.raises(UsageError, match="network 'lite9' is unknown"):
        run(parse(*lesion_words(table, tmp_path / "bundle", *taught)))
    assert not (tmp_path / "bundle").exists()


def test_an_unknown_network_ends_it_before_anything_is_looked_at(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="network 'NoSuchNet' is unknown"):
        run(parse(*lesion_words(table, tmp_path / "bundle", "--network", "NoSuchNet")))
    assert "photographs" not in capsys.readouterr().out


def test_a_training_killed_with_its_first_teacher_is_taken_up(table: Path, tmp_path: Path) -> None:
    taught = ("--taught-by", "assignment-cnn", "--teacher-epochs", "2")
    words = lesion_words(table, tmp_path / "bundle", *taught)
    script = "import os, sys; from melanoma.training.fitting import checkpoints; from jobs import cli;"
    script += "save = checkpoints.save; checkpoints.save = lambda *given: (save(*given), os._exit(9));"
    script += "sys.exit(cli.main(sys.argv[1:]))"
    killed = subprocess.run([sys.executable, "-c", script, "train", *words], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    assert [path.name for path in (tmp_path / "bundle").glob("*.npz")] == ["teacher-1.npz"]
    with pytest.raises(UsageError, match="holds an unfinished training; give --resume"):
        run(parse(*words))
    assert run(parse(*words, "--resume")) == 0
