"""Checkpoints are restored exactly; a missing file or a file of another training is refused."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma.errors import UsageError
from melanoma.training.fitting.checkpoints import Checkpoint, checkpoint_names, load, save

SETTINGS: dict[str, Any] = {"epochs": 4, "sizes": ((32, 32), (48, 48)), "look": "views"}


def checkpoint() -> Checkpoint:
    weights = [np.full((2, 3), number, np.float32) for number in range(12)]
    arrays = {"network": weights, "optimizer": [np.array(7, np.int64)], "average": [*weights[::-1], np.array(40)]}
    return Checkpoint(2, [{"loss": 0.1}, {"loss": 0.30000000000000004}], ["jax", "tensorflow"], arrays)


def test_everything_is_restored_exactly_and_in_order(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint.npz", checkpoint(), SETTINGS)
    found = load(tmp_path / "checkpoint.npz", SETTINGS)
    assert found[:3] == checkpoint()[:3]
    assert list(found.arrays) == ["average", "network", "optimizer"]
    for name, arrays in checkpoint().arrays.items():
        for ours, theirs in zip(found.arrays[name], arrays, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype


def test_files_have_the_format_of_earlier_versions(tmp_path: Path) -> None:
    """The file is built by hand as earlier versions wrote it; such a training must still resume."""
    state = {"epochs": 1, "history": [{"loss": 2.5}], "backends": ["tensorflow"], "settings": {"epochs": 4}}
    members: dict[str, Any] = {"network/00000": np.ones(2), "network/00001": np.zeros(3), "average/00000": np.array(5)}
    np.savez(tmp_path / "old.npz", allow_pickle=False, story=np.array(json.dumps(state)), **members)
    found = load(tmp_path / "old.npz", {"epochs": 4})
    assert (found.epochs, found.history, found.backends) == (1, [{"loss": 2.5}], ["tensorflow"])
    assert [array.tolist() for array in found.arrays["network"]] == [[1, 1], [0, 0, 0]]
    save(tmp_path / "new.npz", found, {"epochs": 4})
    with zipfile.ZipFile(tmp_path / "old.npz") as old, zipfile.ZipFile(tmp_path / "new.npz") as new:
        assert sorted(old.namelist()) == sorted(new.namelist())
    with np.load(tmp_path / "new.npz") as new_file:
        assert json.loads(str(new_file["story"])) == state


def test_saving_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    save(path, checkpoint()._replace(epochs=1), SETTINGS)
    save(path, checkpoint(), SETTINGS)
    assert load(path, SETTINGS).epochs == 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 5, "began with epochs 4, now it is 5"),
        ("sizes", ((32, 32),), r"began with sizes \[\[32, 32\], \[48, 48\]\], now it is \[\[32, 32\]\]"),
        ("precision", "bfloat16", "began with precision None, now it is bfloat16"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, name: str, value: object, message: str) -> None:
    save(tmp_path / "checkpoint.npz", checkpoint(), SETTINGS)
    with pytest.raises(UsageError, match=f"checkpoint.npz: this training {message}; give the same options as before"):
        load(tmp_path / "checkpoint.npz", {**SETTINGS, name: value})


@pytest.mark.parametrize("damage", [b"", b"PK broken", "half", "no state", "not a number"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: bytes | str) -> None:
    path = tmp_path / "checkpoint.npz"
    save(path, checkpoint(), SETTINGS)
    whole = path.read_bytes()
    if damage == "no state":
        np.savez(path, network=np.ones(2))
    elif damage == "not a number":
        np.savez(path, story=np.array("{"))
    else:
        path.write_bytes(damage if isinstance(damage, bytes) else whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"not a checkpoint, or a damaged one.*train again without --resume"):
        load(path, SETTINGS)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a checkpoint, or a damaged one \\(FileNotFoundError\\)"):
        load(tmp_path / "checkpoint.npz", SETTINGS)


def test_a_file_with_pickled_objects_is_not_executed(tmp_path: Path) -> None:
    np.savez(tmp_path / "checkpoint.npz", story=np.array([{"epochs": 1}], dtype=object))
    with pytest.raises(UsageError, match="not a checkpoint"):
        load(tmp_path / "checkpoint.npz", SETTINGS)


def test_each_teacher_has_a_checkpoint_of_its_own() -> None:
    assert checkpoint_names(0) == ("checkpoint.npz",)
    assert checkpoint_names(2) == ("checkpoint.npz", "teacher-1.npz", "teacher-2.npz")
