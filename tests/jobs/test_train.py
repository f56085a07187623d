"""`melanoma train` from the command line to a bundle that scoring accepts."""

import argparse
import contextlib
import csv
import hashlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from jobs.cli import main
from jobs.train import add_arguments, run
from melanoma.errors import BundleError, DataError, UsageError
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


class Training(NamedTuple):
    """A finished training.

    Attributes:
        folder: Holds its data, and its bundle as `bundle`.
        words: Its command line, after `melanoma train`.
        output: What each attempt printed.
    """

    folder: Path
    words: list[str]
    output: list[str]

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def card(self) -> str:
        return (self.bundle / "card.md").read_text()


def attempt(words: list[str]) -> str:
    """Runs the command in this process and returns what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert run(parse(*words)) == 0
    return output.getvalue()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training on folders of phantoms with a copy, a truncated file and a wrong label."""
    folder = tmp_path_factory.mktemp("training")
    photographs = fill_classes(folder / "photographs")
    (photographs / "nv" / "copy.jpg").write_bytes((photographs / "nv" / "lesion-0100.jpg").read_bytes())
    (photographs / "nv" / "cut.jpg").write_bytes((photographs / "nv" / "lesion-0101.jpg").read_bytes()[:300])
    lesion_rows = "".join(f"lesion-{i:04d},melanoma,L{i // 3}\n" for i in range(59)) + "lesion-0059,nv,L59\n"
    (folder / "lesions.csv").write_text("image,diagnosis,lesion\n" + lesion_rows)
    fill(folder / "north", 24, first=500)
    (folder / "north" / "seen.jpg").write_bytes((photographs / "nv" / "lesion-0104.jpg").read_bytes())
    north = folder / "north.csv"
    rows = "".join(f"lesion-{i:04d},{('mel', 'nv')[i % 2]}\n" for i in range(500, 524))
    north.write_text(f"file,dx\n{rows}seen.jpg,nv\n")
    (folder / "terms.txt").write_text("Drawn by a program.\nNo rights reserved.\n")
    words = [
        *("--data", str(photographs), "--reference", str(folder / "lesions.csv")),
        *("--id-column", "image", "--label-column", "diagnosis", "--group-column", "lesion"),
        *("--data-licence", str(folder / "terms.txt"), "--limitation", "Phantoms are not lesions."),
        *("--network", "assignment-cnn", "--size", "32x40", "--epochs", "1", "--seed", "5"),
        *("--validation-share", "0.2", "--test-share", "0.2", "--output", str(folder / "bundle")),
        *("--external", str(north), "--external-root", str(folder / "north"), "--external-id-column", "file"),
        *("--external-label-column", "dx"),
    ]
    return Training(folder, words, [attempt(words)])


def test_the_bundle_can_be_loaded_and_scores(trained: Training) -> None:
    bundle = load_bundle(str(trained.bundle))
    assert bundle.slugs == ("melanoma", "nevus")
    assert (bundle.spec.height, bundle.spec.width) == (32, 40)
    assert bundle.decision_rule == "balanced"
    assert set(bundle.thresholds) == {"melanoma", "review_below", "ood_above"}
    assert bundle.prior == pytest.approx((0.5, 0.5), abs=0.05)
    assert bundle.description["training"]["seed"] == 5
    plots = {"counts.png", "curves.png", "review.png"}
    assert {*plots, "evaluation.html", "evaluation.json", "history.csv", "split.csv"} < set(bundle.files)
    assert not list(trained.folder.rglob("*checkpoint.npz"))
    assert bundle.description["metrics"]["test"]["n"] > 0
    assert load_engine(bundle, 8).score(np.zeros((1, 32, 40, 3), np.uint8)).ood is not None


def test_another_hospital_is_evaluated_and_never_trained_on(trained: Training) -> None:
    (part,) = load_bundle(str(trained.bundle)).description["metrics"]["external"]
    assert (part["source"], part["n"]) == ("north", 24)
    assert part["data"]["photographs_trained_on_by"] == {"content": 1}
    assert "lesion-05" not in (trained.bundle / "split.csv").read_text()
    assert "external: north, 24 photographs, 1 left out as part of the data set" in trained.output[0]
    assert "external: north" in trained.card and "--external-label-column dx" in trained.card


def test_the_split_can_be_checked_against_the_photographs(trained: Training) -> None:
    rows = list(csv.DictReader((trained.bundle / "split.csv").open()))
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (trained.folder / "photographs").rglob("*.*")}
    assert len(rows) == len({row["sha256"] for row in rows}) == 119
    assert {row["sha256"] for row in rows} < digests
    parts_of: dict[str, set[str]] = {}
    for row in rows:
        parts_of.setdefault(row["group"], set()).add(row["part"])
    assert all(len(parts) == 1 for parts in parts_of.values())
    assert sum(group.startswith("L") for group in parts_of) == 20


def test_the_card_says_what_was_dropped_and_how_good_it_is(trained: Training) -> None:
    assert "| found | 0 | 122 |" in trained.card
    assert "| label contradicted by the reference | 1 | 121 |" in trained.card
    assert "| further copies of an image | 1 | 120 |" in trained.card
    assert re.search(r"\| unreadable files, \w+ 1 \| 1 \| 119 \|", trained.card)
    assert re.search(r"balanced accuracy, always Mel.* \| 0\.500 \| 0\.500 to 0\.500 \| \d+ \|", trained.card)
    assert "false alarms" in trained.card
    assert "- Phantoms are not lesions." in trained.card


def test_the_card_repeats_the_command_with_every_default(trained: Training) -> None:
    command = re.search(r"```\nmelanoma train (.*)\n```", trained.card)
    assert command is not None
    again, given = (vars(parse(*words)) for words in (shlex.split(command.group(1)), trained.words))
    assert {name: again[name] for name, value in given.items() if value not in (None, [])} == {
        name: value for name, value in given.items() if value not in (None, [])
    }
    assert again["train_size"] == [(32, 40)]
    assert again["augmentation"] == "augmentor" and again["batch_size"] == 16
    assert "--teacher" not in command.group(1)  # there were no teachers


def test_the_licence_holds_the_terms_of_the_data(trained: Training) -> None:
    assert "Drawn by a program.\nNo rights reserved.\n" in (trained.bundle / "LICENSE").read_text()


def test_progress_and_results_are_printed(trained: Training) -> None:
    (output,) = trained.output
    assert re.search(
        r"^epoch 1 of 1: 32 pixels, loss [\d.]+, validation loss [\d.]+, validation balanced .*; trained$", output, re.M
    )
    assert output.count("epoch 1 of 1") == 1
    assert f"\n{trained.bundle}: {load_bundle(str(trained.bundle)).model_id}\nnext:\n" in output
    assert re.search(r"^  balanced accuracy  +[\d.]+ \([\d.]+ to [\d.]+\) +always", output, re.M)


def test_the_next_commands_can_be_pasted(trained: Training, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (output,) = trained.output
    inspect, score, evaluate, compare, promote = re.findall(r"^  melanoma (.*)$", output.partition("next:")[2], re.M)
    for command in (inspect, score, evaluate, promote):
        assert main(shlex.split(command)) == 0, command
    assert main(shlex.split(compare.replace("OLD_MODEL", "m-none").replace("OLD_SPLIT", "split.csv"))) == 2
    part = [row["part"] for row in csv.DictReader((trained.bundle / "split.csv").open())].count("test")
    described = load_bundle(str(trained.bundle)).description["metrics"]["test"]
    assert described["n"] == part


def test_an_existing_bundle_is_never_overwritten(trained: Training) -> None:
    with pytest.raises(BundleError, match="the folder holds a bundle already"):
        run(parse(*trained.words))


def test_a_warm_start_needs_splits_that_agree(trained: Training, tmp_path: Path) -> None:
    split = trained.bundle / "split.csv"
    words = [*trained.words, "--output", str(tmp_path / "bundle"), "--start-from", str(trained.bundle), "--split"]
    turn = {"train": "test", "validation": "train", "test": "validation"}
    rows = list(csv.DictReader(split.open()))
    shifted = "".join(f"{row['image_id']},{row['group']},{turn[row['part']]}\n" for row in rows)
    (tmp_path / "shifted.csv").write_text("image_id,group,part\n" + shifted)
    with pytest.raises(DataError, match=r"was trained on \d+ of the \d+ validation and test photographs"):
        attempt([*words, str(tmp_path / "shifted.csv")])
    output = attempt([*words, str(split), "--quiet"])
    assert "epoch 1 of" not in output and f"bundle inspect {tmp_path}/bundle --card" in output
    earlier = load_bundle(str(trained.bundle)).model_id
    ancestry = (tmp_path / "bundle" / "ancestry.csv").read_text().splitlines()
    assert ancestry[0] == "image_id,sha256,group"
    assert len(ancestry) == 1 + sum(row["part"] == "train" for row in rows)
    terms = (tmp_path / "bundle" / "LICENSE").read_text()
    assert terms.count("Drawn by a program.") == 2
    assert f"Its training started from {earlier}, whose terms also apply" in terms
    card = (tmp_path / "bundle" / "card.md").read_text()
    assert f"All layers but the last started with the weights of {earlier}." in card


def lesion_words(folder: Path, output: Path, *words: str) -> list[str]:
    """Returns the arguments of a quick training on a table of 120 phantoms of 60 lesions."""
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


def split_of(table: Path, target: Path, by: int) -> Path:
    """Writes a split by the number of each photograph: by=2 keeps each lesion in one part, by=1 does not."""
    rows = (table / "table.csv").read_text().splitlines()[1:]
    parts = ("train", "train", "train", "validation", "test")
    lines = [f"{row.split(',')[0]},,{parts[i // by % 5]}" for i, row in enumerate(rows)]
    target.write_text("\n".join(["image_id,group,part", *lines]) + "\n")
    return target


def leaking(table: Path, folder: Path) -> list[str]:
    """Returns the arguments of a training whose test part has a smaller copy of a training photograph."""
    shutil.copytree(table, folder)
    with Image.open(folder / "photographs" / "lesion-0000.jpg") as original:
        original.resize((160, 120)).save(folder / "photographs" / "twin.jpg", quality=60)
    split = split_of(folder, folder / "split.csv", by=2)
    with (folder / "table.csv").open("a") as rows, split.open("a") as parts:
        rows.write("twin,mel,L-twin,50,f\n")
        parts.write("twin,,test\n")
    return lesion_words(folder, folder / "bundle", "--split", str(split))


def kill_after_the_first_checkpoint(words: list[str]) -> None:
    """Runs the command in a process that dies as soon as it has written a checkpoint."""
    script = "import os, sys; from melanoma.training.fitting import checkpoints; from jobs import cli;"
    script += "save = checkpoints.save; checkpoints.save = lambda *given: (save(*given), os._exit(9));"
    script += "sys.exit(cli.main(sys.argv[1:]))"
    killed = subprocess.run([sys.executable, "-c", script, "train", *words], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr


def stop_before_the_bundle(words: list[str]) -> str:
    """Runs the command until the network is trained, and returns what it printed."""

    def stop(job: object, trained: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as output:
        patch.setattr("melanoma.training.release.candidate.make_candidate", stop)
        with pytest.raises(KeyboardInterrupt):
            run(parse(*words))
    return output.getvalue()


@pytest.fixture(scope="module")
def resumed(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training with a teacher and a leaking split, killed after its teacher and again while it wrote its bundle."""
    folder = tmp_path_factory.mktemp("resumed") / "data"
    words = [*leaking(table, folder), "--allow-leaks", "--teacher", "assignment-cnn", "--teacher-epochs", "1"]
    words += ["--distill-weight", "0.5"]
    bundle = folder / "bundle"
    kill_after_the_first_checkpoint(words)
    assert sorted(path.name for path in bundle.iterdir()) == ["split.csv", "teacher-1.npz"]
    with pytest.raises(UsageError, match="holds an unfinished training; give --resume"):
        run(parse(*words))
    output = [stop_before_the_bundle([*words, "--resume"])]
    names = ["checkpoint.npz", "history.csv", "split.csv", "teacher-1.npz"]
    assert sorted(path.name for path in bundle.iterdir()) == names
    with pytest.raises(UsageError, match="holds an unfinished training; give --resume"):
        run(parse(*words))
    (bundle / "checkpoint.npz").rename(folder / ".bundle-checkpoint.npz")  # where it is while the bundle is written
    (bundle / "teacher-1.npz").write_bytes(b"")  # a trained network no longer needs its teacher
    return Training(folder, words, [*output, attempt([*words, "--resume"])])


def test_each_attempt_trains_only_what_is_missing(resumed: Training) -> None:
    second, third = resumed.output
    assert "teacher 1 of 1" not in second and "epoch 1 of 2" in second and "epoch 2 of 2" in second
    assert "epoch" not in third.split("calibrating")[0]
    assert len((resumed.bundle / "history.csv").read_text().splitlines()) == 1 + 2


def test_checkpoints_are_deleted_and_teachers_are_not_shipped(resumed: Training) -> None:
    assert not list(resumed.folder.rglob("*.npz")) and not list(resumed.folder.glob(".bundle-*"))
    training = load_bundle(str(resumed.bundle)).description["training"]
    assert training["recipe"]["taught_by"] == ["assignment-cnn"]
    assert "--teacher assignment-cnn" in training["command"] and "--resume" not in training["command"]
    assert "--distill-weight 0.5 --teacher-epochs 1" in training["command"]
    assert "Trained by Keras with tensorflow." in resumed.card
    assert "Distilled from 1 network (" in resumed.card and "not in the bundle" in resumed.card


def test_subgroups_come_from_the_columns_in_by(resumed: Training) -> None:
    metrics = load_bundle(str(resumed.bundle)).description["metrics"]
    assert set(metrics["test"]["subgroups"]) == {"age", "sex"}


def test_near_duplicates_in_two_parts_are_refused_unless_allowed(
    resumed: Training, table: Path, tmp_path: Path
) -> None:
    words = leaking(table, tmp_path / "leaking")
    with pytest.raises(DataError, match="the split leaks: 1 by near duplicate between test and train"):
        run(parse(*words))
    assert not (tmp_path / "leaking" / "bundle").exists()
    assert "- The split leaks: 1 by near duplicate between test and train." in resumed.card


def test_a_split_that_divides_a_lesion_is_refused(table: Path, tmp_path: Path) -> None:
    divided = split_of(table, tmp_path / "divided.csv", by=1)
    with pytest.raises(DataError, match="is in train and in validation"):
        run(parse(*lesion_words(table, tmp_path / "bundle", "--split", str(divided))))
    assert not (tmp_path / "bundle").exists()


def test_training_needs_more_than_one_class(tmp_path: Path) -> None:
    fill(tmp_path / "photographs" / "nv", 10)
    words = ["--data", str(tmp_path / "photographs"), "--data-licence", "CC0", "--output", str(tmp_path / "bundle")]
    with pytest.raises(DataError, match="nevus 10; expected at least 5 in each of 2 classes"):
        run(parse(*words, "--network", "assignment-cnn"))
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--learning-rate", "nan"), "must be above 0 and at most 1"),
        (("--head-epochs", "2"), "must be fewer than --epochs, which is 2"),
        (("--by", "agee"), "no column 'agee'"),
        (("--data-licence", "LICENCE.txt"), "No such file or directory; give a text file"),
        (("--network", "NoSuchNet"), "network 'NoSuchNet' is unknown"),
        (("--teacher", "assignment-cnn", "--teacher", "lite9"), "network 'lite9' is unknown"),
    ],
)
def test_invalid_options_fail_before_any_photograph_is_read(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(parse(*lesion_words(table, tmp_path / "bundle", *words)))
    assert "photographs" not in capsys.readouterr().out
    assert not (tmp_path / "bundle").exists()


def test_the_command_starts_without_keras() -> None:
    script = "import argparse, sys, jobs.train as t; t.add_arguments(argparse.ArgumentParser());"
    script += "print([name for name in ('keras', 'tensorflow', 'pandas', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_backend_that_is_not_installed_is_named(table: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", "train", *lesion_words(table, tmp_path / "bundle")]
    environment = os.environ | {"KERAS_BACKEND": "bogus"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "KERAS_BACKEND=bogus: Keras cannot load it" in done.stderr
    assert "Traceback" not in done.stderr


def test_jax_can_train_and_tensorflow_then_evaluates(tmp_path: Path) -> None:
    photographs = fill_classes(tmp_path / "photographs")
    words = [
        *("train", "--data", str(photographs), "--data-licence", "None", "--network", "assignment-cnn"),
        *("--size", "32x40", "--epochs", "1", "--augmentation", "views", "--precision", "bfloat16", "--processes", "1"),
        *("--teacher", "assignment-cnn", "--teacher-epochs", "1", "--batch-size", "8", "--mixup", "0.5"),
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
    assert "--processes" not in bundle.description["training"]["command"]  # it does not change the result
    assert len((tmp_path / "bundle" / "history.csv").read_text().splitlines()) == 1 + 1
    assert load_engine(bundle, 8).score(np.zeros((1, 32, 40, 3), np.uint8)).probabilities.sum() == pytest.approx(1)
