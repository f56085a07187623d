"""The settings by which a checkpoint is recognised; changing a name breaks trainings in progress."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.training.data.epochs import EpochConfig
from melanoma.training.fitting.distillation import DistillationConfig
from melanoma.training.fitting.recipes import recipe_for
from melanoma.training.fitting.training_config import TrainingConfig
from melanoma.training.networks.registry import NETWORKS
from tests.helpers.trainings import SCHEDULE, config, listed

DATASET = listed({"melanoma": 10, "nevus": 15})


def test_names_and_values_are_the_same_as_in_earlier_versions(tmp_path: Path) -> None:
    epochs = EpochConfig(16, 5, None, 0.5, 4, 0.25)
    settings = config(DATASET, tmp_path, epochs=epochs).checkpoint_settings()
    parts = ["train", "train", "train", "validation", "test"]
    names = [(label, number) for label, count in (("melanoma", 10), ("nevus", 15)) for number in range(count)]
    rows = [f"{label}-{i},digest of {label}-{i},{label},{label}-{i},{parts[i % 5]}\n" for label, i in names]
    split = "image_id,sha256,label,group,part\n" + "".join(rows)
    assert settings.pop("photographs and split") == hashlib.sha256(split.encode()).hexdigest()
    assert settings == {
        "epochs": 6,
        "sizes": ((32, 32),),
        "head_epochs": 0,
        "head_rate": 0.003,
        "learning_rate": 0.01,
        "warmup_epochs": 0.5,
        "weight_decay": 0,
        "label_smoothing": 0.1,
        "averaging": 0.9,
        "batch_size": 16,
        "seed": 5,
        "draws": None,
        "balance": 0.5,
        "max_repeats": 4,
        "mixup": 0.25,
        "look": "augmentor",
        "training part": [6, 9],
        "network": "A small network, 32x32, from its own start",
        "precision": "float32",
        "teaching": "none",
    }


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("assignment-cnn", "A convolutional network trained from scratch"),
        ("lite0", "EfficientNet-Lite0"),
        ("lite2", "EfficientNet-Lite2"),
    ],
)
def test_networks_keep_the_descriptions_that_checkpoints_hold(tmp_path: Path, name: str, description: str) -> None:
    settings = config(DATASET, tmp_path, network=NETWORKS[name]).checkpoint_settings()
    assert settings["network"] == f"{description}, 32x32, from its own start"
    assert recipe_for(name).augmentation in ("augmentor", "views")


def changed(base: TrainingConfig, **changes: object) -> set[str]:
    """Returns the names of the settings that differ."""
    before, after = base.checkpoint_settings(), replace(base, **changes).checkpoint_settings()  # type: ignore[arg-type]
    return {name for name in before if before[name] != after[name]}


def test_changes_that_affect_the_outcome_change_the_settings(tmp_path: Path) -> None:
    base = config(DATASET, tmp_path)
    assert changed(base, epochs=EpochConfig(8, 1)) == {"seed"}
    assert changed(base, schedule=replace(SCHEDULE, averaging=0.5)) == {"averaging"}
    assert changed(base, precision="bfloat16") == {"precision"}
    assert changed(base, network=NETWORKS["lite0"]) == {"network"}
    assert changed(base, distillation=DistillationConfig(0.7, list, "0.7 by lite0")) == {"teaching"}
    moved = replace(DATASET, parts=DATASET.parts[::-1].copy())
    assert "photographs and split" in changed(base, dataset=moved)


def test_changes_of_speed_or_location_do_not_change_the_settings(tmp_path: Path) -> None:
    assert changed(config(DATASET, tmp_path), processes=4, checkpoint=tmp_path / "elsewhere.npz") == set()


def test_other_initial_weights_change_the_settings(tmp_path: Path) -> None:
    base = config(DATASET, tmp_path)
    ones, twos = ({"layer": [np.full(3, value, np.float32)]} for value in (1, 2))
    found = [
        replace(base, initial_weights=weights).checkpoint_settings()["network"]
        for weights in (ones, twos, {"layer": [np.full(3, 1, np.float32)]})
    ]
    assert found[0] == found[2] != found[1]
    digest = hashlib.sha256(np.full(3, 1, "<f4").tobytes()).hexdigest()
    assert found[0] == f"A small network, 32x32, from {digest[:12]}"


def test_classes_are_counted_over_all_parts(tmp_path: Path) -> None:
    assert config(DATASET, tmp_path).num_classes == 2
