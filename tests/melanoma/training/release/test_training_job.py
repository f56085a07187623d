"""A job turns a recipe into the settings of a training, and into those of its teachers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.datasets.splits import Dataset
from melanoma.errors import UsageError
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.fitting.recipes import recipe_for
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.warm_start import WarmStart
from melanoma.training.release.training_job import TrainingJob
from tests.helpers import trainings

DATASET: Dataset = trainings.listed({"melanoma": 10, "nevus": 10})
WARM_START = WarmStart({"body": [np.ones(2, np.float32)]}, b"image_id\n", "m-old", "CC0")


def lite_job(**changes: object) -> TrainingJob:
    recipe = replace(recipe_for("lite0"), teachers=("lite2", "assignment-cnn"), teacher_epochs=9)
    return replace(trainings.job(DATASET, network="lite0", recipe=recipe), **changes)  # type: ignore[arg-type]


def test_every_setting_of_the_recipe_reaches_the_training(tmp_path: Path) -> None:
    recipe = replace(
        recipe_for("lite0"),
        epochs=12,
        head_epochs=2,
        learning_rate=0.25,
        weight_decay=0.5,
        label_smoothing=0.75,
        averaging=0.125,
        batch_size=7,
        balance=0.375,
        max_repeats=3,
        mixup=0.625,
    )
    config = lite_job(recipe=recipe).training_config(tmp_path / "c.npz")
    assert config.schedule == Schedule(
        epochs=12,
        sizes=((128, 128), (160, 160), (192, 192)),
        head_epochs=2,
        learning_rate=0.25,
        weight_decay=0.5,
        label_smoothing=0.75,
        averaging=0.125,
    )
    assert config.epochs == EpochConfig(7, 3, None, 0.375, 3, 0.625)
    assert config.policy.name == "views" and config.network.description == "EfficientNet-Lite0"
    assert (config.spec.height, config.spec.width, config.spec.crop) == (224, 224, 1.0)
    assert config.checkpoint == tmp_path / "c.npz"
    assert config.initial_weights == {} and config.distillation is None


def test_precision_processes_and_warm_start_reach_the_training(tmp_path: Path) -> None:
    job = lite_job(precision="bfloat16", processes=3, warm_start=WARM_START)
    config = job.training_config(tmp_path / "c.npz")
    assert (config.precision, config.processes) == ("bfloat16", 3)
    assert config.initial_weights is WARM_START.weights


def test_a_teacher_has_its_own_network_epochs_and_seed_and_no_warm_start() -> None:
    job = lite_job(warm_start=WARM_START, precision="bfloat16")
    first, second = job.teacher_job(0), job.teacher_job(1)
    assert (first.network, second.network) == ("lite2", "assignment-cnn")
    assert (job.seed, first.seed, second.seed) == (3, 4, 5)
    assert first.recipe.epochs == second.recipe.epochs == 9
    assert (first.recipe.head_epochs, second.recipe.head_epochs) == (1, 0)  # the second is not pretrained
    assert first.recipe.teachers == second.recipe.teachers == ()
    assert first.warm_start is None
    assert first.recipe.size == job.recipe.size and first.precision == "bfloat16"
    assert first.prepared is job.prepared


def test_an_unknown_teacher_is_refused() -> None:
    job = lite_job(recipe=replace(recipe_for("lite0"), teachers=("lite9",)))
    with pytest.raises(UsageError, match="network 'lite9' is unknown"):
        job.teacher_job(0)
