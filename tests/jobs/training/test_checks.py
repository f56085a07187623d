"""Options that `melanoma train` refuses before it reads a photograph, and the handling of its checkpoints."""

import argparse
import errno
import os
from pathlib import Path

import pytest

from jobs.training.checks import check, clear_backend_error, clear_disk_error, log_folder, read_terms, set_aside
from jobs.training.flags import add_arguments
from jobs.training.options import TrainOptions
from melanoma.errors import BundleError, NothingCommittedError, UsageError


def options(output: Path | str, *words: str) -> TrainOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    data = () if "--data" in words else ("--data", "folder")
    return TrainOptions.from_args(parser.parse_args([*data, "--data-licence", "CC0", "--output", str(output), *words]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "table.csv"], "--root goes with"),
        (["--root", "photographs"], "--root goes with"),
        (["--group-column", "lesion"], "--id-column and --label-column go with"),
        (["--mixup", "1.5"], r"--mixup 1\.5: must be from 0 to 1"),
        (["--mixup", "-0.5"], r"--mixup -0\.5: must be from 0 to 1"),
        (["--teacher", "lite2", "--distill-weight", "1.5"], r"--distill-weight 1\.5: must be from 0 to 1"),
        (["--distill-weight", "0.5"], "--distill-weight and --teacher-epochs need --teacher"),
        (["--teacher-epochs", "5"], "--distill-weight and --teacher-epochs need --teacher"),
        (["--balance", "nan"], "--balance nan: must be from 0 to 1"),
        (["--label-smoothing", "1"], r"--label-smoothing 1\.0: must be at least 0 and below 1"),
        (["--review-share", "1"], r"--review-share 1\.0: must be at least 0 and below 1"),
        (["--learning-rate", "nan"], "--learning-rate nan: must be above 0 and at most 1"),
        (["--learning-rate", "0"], "must be above 0 and at most 1"),
        (["--learning-rate", "2"], "must be above 0 and at most 1"),
        (["--by", "age"], "--by needs a CSV or Parquet table"),
        (["--tensorboard", "s3://logs"], "--tensorboard s3://logs: must be a local folder"),
        (["--resume"], "there is nothing to --resume"),
    ],
)
def test_invalid_options_are_refused(tmp_path: Path, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check(options(tmp_path / "new", *words))
    assert list(tmp_path.iterdir()) == []


def test_values_at_the_limits_are_accepted(tmp_path: Path) -> None:
    words = ("--mixup", "1", "--balance", "0", "--label-smoothing", "0", "--review-share", "0.99")
    check(options(tmp_path / "new", *words, "--learning-rate", "1", "--teacher", "lite2", "--distill-weight", "1"))


def test_the_folder_must_be_local() -> None:
    with pytest.raises(UsageError, match="s3://models/new: training needs a local folder"):
        check(options("s3://models/new"))


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("of the project around it")
    with pytest.raises(BundleError, match="the folder holds 'LICENSE' already"):
        check(options(tmp_path))


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="bundle: lies below a file; choose another path"):
        check(options(tmp_path / "file" / "bundle"))


@pytest.mark.parametrize("name", ["checkpoint.npz", "teacher-1.npz"])
def test_an_unfinished_training_must_be_resumed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "split.csv").write_bytes(b"")
    with pytest.raises(UsageError, match="holds an unfinished training; give --resume"):
        check(options(tmp_path, "--teacher", "lite2"))
    check(options(tmp_path, "--teacher", "lite2", "--resume"))


def test_checkpoints_are_restored_after_a_kill_while_writing_the_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (tmp_path / ".bundle-checkpoint.npz").write_bytes(b"state")
    check(options(folder, "--resume"))
    assert (folder / "checkpoint.npz").read_bytes() == b"state"
    assert not (tmp_path / ".bundle-checkpoint.npz").exists()


def test_checkpoints_set_aside_are_deleted_after_the_bundle_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    paths = [folder / "checkpoint.npz", folder / "teacher-1.npz"]
    paths[0].write_bytes(b"state")
    with set_aside(paths):
        assert list(folder.iterdir()) == []
        assert (tmp_path / ".bundle-checkpoint.npz").exists()
    assert list(tmp_path.iterdir()) == [folder] and list(folder.iterdir()) == []


def test_checkpoints_are_restored_when_the_bundle_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "checkpoint.npz").write_bytes(b"state")
    with pytest.raises(KeyboardInterrupt), set_aside([folder / "checkpoint.npz", folder / "teacher-1.npz"]):
        raise KeyboardInterrupt
    assert [path.name for path in folder.iterdir()] == ["checkpoint.npz"]
    assert list(tmp_path.iterdir()) == [folder]


def test_terms_are_read_from_a_file_or_given_as_text(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_text("\nCC BY 4.0\n", encoding="utf-8")
    assert read_terms(str(tmp_path / "terms.txt")) == "CC BY 4.0"
    assert read_terms("CC BY-NC 4.0") == "CC BY-NC 4.0"
    assert read_terms("Terms/conditions with spaces are text") == "Terms/conditions with spaces are text"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("LICENCE.txt", "No such file or directory; give a text file"),
        ("nowhere/LICENCE", "No such file or directory; give a text file"),
        (".", "Is a directory; give a text file"),
        (" ", "is empty; give the terms"),
    ],
)
def test_terms_that_cannot_be_read_are_refused(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_terms(given)


def test_terms_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "LICENCE").write_bytes(b"\xff\xfe terms")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        read_terms(str(tmp_path / "LICENCE"))


def test_a_full_disk_is_explained_and_other_errors_are_unchanged() -> None:
    message = "bundle: No space left on device; fix that, then continue with --resume"
    with pytest.raises(NothingCommittedError, match=message), clear_disk_error("bundle"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), clear_disk_error("bundle"):
        Path("nowhere").read_bytes()


def test_only_a_backend_other_than_the_default_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with (
        pytest.raises(UsageError, match=r"KERAS_BACKEND=torch: Keras cannot load it \(no torch\)"),
        clear_backend_error(),
    ):
        raise ImportError("no torch")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(ImportError, match="broken installation"), clear_backend_error():
        raise ImportError("broken installation")


def test_a_log_is_named_after_its_bundle_and_never_overwrites_another(tmp_path: Path) -> None:
    output, logs = tmp_path / "bundles" / "mine", tmp_path / "logs"
    check(options(output, "--tensorboard", str(logs)))
    log = log_folder(str(logs), str(output))
    assert log == logs / "mine"
    (log / "teacher-1").mkdir(parents=True)
    (log / "teacher-1" / "events.out.tfevents.melanoma").write_bytes(b"")
    with pytest.raises(UsageError, match="mine has the log of another training; delete it, or choose another"):
        check(options(output, "--tensorboard", str(logs)))
    check(options(tmp_path / "bundles" / "other", "--tensorboard", str(logs)))
    output.mkdir(parents=True)
    (output / "checkpoint.npz").write_bytes(b"")
    check(options(output, "--resume", "--tensorboard", str(logs)))


@pytest.mark.parametrize("place", ["bundle", "bundle/logs", "."])
def test_a_log_in_the_folder_of_the_bundle_is_refused(tmp_path: Path, place: str) -> None:
    """A bundle with a file that its description does not name could not be written."""
    with pytest.raises(UsageError, match="is in the folder of the bundle; choose another one"):
        check(options(tmp_path / "bundle", "--tensorboard", str(tmp_path / place)))
