"""Trainings on photographs that differ by colour: they learn, repeat exactly, and resume where they stopped."""

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.datasets.splits import Dataset
from melanoma.errors import UsageError
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.fitting import checkpoints
from melanoma.training.fitting.distillation import DistillationConfig
from melanoma.training.fitting.monitoring import History
from melanoma.training.fitting.steps import Step
from melanoma.training.fitting.trainer import Trained, Trainer
from melanoma.training.networks.assignment_cnn import assignment_cnn
from melanoma.training.networks.fast_copy import training_copy
from melanoma.training.networks.layers import SCALING, Size
from melanoma.training.networks.pretrained import preprocess
from melanoma.training.networks.registry import Network
from tests.helpers import coloured
from tests.helpers.trainings import CNN, COUNTS, SCHEDULE, config, train

ONE_EPOCH = replace(SCHEDULE, epochs=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return coloured.dataset(tmp_path_factory.mktemp("coloured"), COUNTS)


@pytest.fixture(scope="module")
def one_epoch(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained]:
    """A training of one epoch, and the folder of its checkpoint."""
    folder = tmp_path_factory.mktemp("one-epoch")
    return folder, train(config(dataset, folder, schedule=ONE_EPOCH))


def keeping_checkpoints(folder: Path) -> Callable[[History], object]:
    """Copies the checkpoint in a folder at the end of each epoch, when it is still that of the epoch before."""

    def on_epoch(history: History) -> None:
        if len(history) > 1:
            shutil.copy(folder / "checkpoint.npz", folder / f"after-{len(history) - 1}.npz")

    return on_epoch


def test_training_learns_a_signal(dataset: Dataset, tmp_path: Path) -> None:
    trained = train(config(dataset, tmp_path))
    assert trained.history[-1]["val_accuracy"] > 0.9
    assert len(trained.history) == SCHEDULE.epochs
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]
    assert trained.prior.tolist() == pytest.approx([1 / 3] * 3, abs=0.01)
    assert trained.backends == ["tensorflow"]


def test_without_a_signal_accuracy_stays_at_chance(dataset: Dataset, tmp_path: Path) -> None:
    labels = np.random.default_rng(0).permutation([photograph.label for photograph in dataset.photographs])
    shuffled = [replace(p, label=str(label)) for p, label in zip(dataset.photographs, labels, strict=True)]
    trained = train(config(Dataset(shuffled, dataset.parts), tmp_path, schedule=replace(SCHEDULE, epochs=3)))
    assert trained.history[-1]["val_accuracy"] < 0.6


def test_the_seed_determines_the_network(dataset: Dataset, tmp_path: Path, one_epoch: tuple[Path, Trained]) -> None:
    weights = one_epoch[1].network.get_weights()
    again, other = (
        train(config(dataset, tmp_path, schedule=ONE_EPOCH, epochs=EpochConfig(8, seed))).network.get_weights()
        for seed in (0, 1)
    )
    for ours, same in zip(weights, again, strict=True):
        np.testing.assert_allclose(ours, same, rtol=1e-5, atol=1e-7)
    assert not np.allclose(weights[0], other[0], rtol=1e-2)


def test_a_killed_training_resumes_after_its_last_completed_epoch(dataset: Dataset, tmp_path: Path) -> None:
    schedule = replace(SCHEDULE, epochs=3, head_epochs=1, sizes=(coloured.SIZE, (48, 48)))
    whole = Trainer(config(dataset, tmp_path, schedule=schedule)).run(
        resume=False, on_epoch=keeping_checkpoints(tmp_path)
    )
    assert [row["size"] for row in whole.history] == [32, 32, 48]
    for epochs in (1, 2):  # after the head alone, and between two epochs of all layers
        (tmp_path / f"after-{epochs}.npz").replace(tmp_path / "checkpoint.npz")
        resumed = train(config(dataset, tmp_path, schedule=schedule), resume=True)
        assert len(resumed.history) == 3
        for ours, theirs in zip(resumed.network.get_weights(), whole.network.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_finished_training_resumes_without_training(dataset: Dataset, one_epoch: tuple[Path, Trained]) -> None:
    folder, trained = one_epoch
    training = config(dataset, folder, schedule=ONE_EPOCH)
    resumed = train(training, resume=True, stop_after=1)  # would be interrupted if it trained an epoch
    assert resumed.history == trained.history
    for ours, theirs in zip(resumed.network.get_weights(), trained.network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_training_resumes_only_with_the_same_settings(dataset: Dataset, one_epoch: tuple[Path, Trained]) -> None:
    folder, _ = one_epoch
    with pytest.raises(UsageError, match=r"began with learning_rate 0\.01, now it is 0\.5"):
        train(config(dataset, folder, schedule=replace(ONE_EPOCH, learning_rate=0.5)), resume=True)
    with pytest.raises(UsageError, match="began with precision float32, now it is bfloat16"):
        train(config(dataset, folder, schedule=ONE_EPOCH, precision="bfloat16"), resume=True)
    distillation = DistillationConfig(0.5, list, "0.5 by one")
    with pytest.raises(UsageError, match=r"began with distillation none, now it is 0\.5 by one"):
        train(config(dataset, folder, schedule=ONE_EPOCH, distillation=distillation), resume=True)


def test_a_training_resumes_only_with_the_same_photographs(dataset: Dataset, one_epoch: tuple[Path, Trained]) -> None:
    other = Dataset(dataset.photographs, dataset.parts[::-1].copy())
    assert np.bincount(other.part("train").truth).tolist() == np.bincount(dataset.part("train").truth).tolist()
    with pytest.raises(UsageError, match="began with other photographs or another split; give the same options"):
        train(config(other, one_epoch[0], schedule=ONE_EPOCH), resume=True)


def test_the_head_trains_first_and_alone_from_the_initial_weights(dataset: Dataset, tmp_path: Path) -> None:
    kernel = np.full((5, 5, 3, 8), 0.25, np.float32)
    schedule = replace(ONE_EPOCH, head_epochs=1)
    trained = train(config(dataset, tmp_path, schedule=schedule, initial_weights={"block1_convolution": [kernel]}))
    np.testing.assert_array_equal(trained.network.get_layer("block1_convolution").get_weights()[0], kernel)
    keras.utils.set_random_seed(0)
    initial = CNN.build(3, coloured.SIZE).get_layer("probabilities").get_weights()[0]
    assert not np.allclose(trained.network.get_layer("probabilities").get_weights()[0], initial)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_an_infinite_loss_ends_the_training(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="epoch 1: the loss became infinite; give a smaller --learning-rate"):
        train(config(dataset, tmp_path, schedule=replace(SCHEDULE, learning_rate=1e30)))
    assert not (tmp_path / "checkpoint.npz").exists()


def test_the_scaling_of_pixels_is_not_trained(dataset: Dataset, tmp_path: Path) -> None:
    def build(labels: int, size: Size) -> keras.Model:
        pixels = keras.Input((*size, 3), name="pixels")
        return keras.Model(pixels, assignment_cnn(labels, size, widths=(8, 16))(preprocess(pixels, "VGG16")))

    trained = train(config(dataset, tmp_path, schedule=ONE_EPOCH, network=Network(build, True, (), "VGG")))
    kernel, offset = trained.network.get_layer(SCALING).get_weights()
    np.testing.assert_allclose(kernel.reshape(3, 3), np.eye(3)[::-1], atol=1e-5)
    np.testing.assert_allclose(offset, [-103.939, -116.779, -123.68], rtol=1e-5)


def test_the_averaged_weights_are_shipped_not_the_last_ones(dataset: Dataset, tmp_path: Path) -> None:
    """The average after step 10 follows from that after step 5 and the trained weights of step 10."""
    training = config(dataset, tmp_path, schedule=replace(SCHEDULE, epochs=2), epochs=EpochConfig(21, 0))
    assert len(dataset.part("train").photographs) // 21 == 5
    trained = Trainer(training).run(resume=False, on_epoch=keeping_checkpoints(tmp_path))
    settings = training.checkpoint_settings()
    *average_of_5, steps = checkpoints.load(tmp_path / "after-1.npz", settings).arrays["average"]
    assert steps == 5
    network = training_copy(CNN.build(3, (None, None)), "float32")
    last = checkpoints.load(tmp_path / "checkpoint.npz", settings).arrays["network"]
    for variable, array in zip(network.variables, last, strict=True):
        variable.assign(array)
    for shipped, before, now in zip(trained.network.get_weights(), average_of_5, network.get_weights(), strict=True):
        momentum = (10 / (10 + 10)) ** 5  # smaller than the schedule's 0.9 ** 5: these are the first steps
        np.testing.assert_allclose(shipped, momentum * before + (1 - momentum) * now, rtol=1e-5, atol=1e-7)
    assert not np.allclose(trained.network.get_weights()[0], network.get_weights()[0], rtol=1e-5, atol=1e-7)


def always_vascular_lesion() -> keras.Model:
    """A teacher that predicts vascular lesion for every photograph."""
    teacher = CNN.build(3, (None, None))
    teacher.get_layer("probabilities").set_weights([np.zeros((16, 3)), np.array([0.0, 0.0, 20.0])])
    return teacher


@pytest.mark.parametrize(("weight", "is_followed"), [(1.0, True), (0.0, False)])
def test_the_teacher_weight_decides_between_teachers_and_labels(
    dataset: Dataset, tmp_path: Path, weight: float, is_followed: bool
) -> None:
    distillation = DistillationConfig(weight, lambda: [always_vascular_lesion()], f"{weight} by one")
    trained = train(config(dataset, tmp_path, schedule=replace(SCHEDULE, epochs=2), distillation=distillation))
    assert (trained.history[-1]["accuracy"] < 0.5) == is_followed


def test_the_columns_of_the_history(one_epoch: tuple[Path, Trained]) -> None:
    row = one_epoch[1].history[0]
    assert list(row) == ["size", "accuracy", "loss", "val_loss", "val_accuracy", "seconds", "learning_rate"]
    assert row["size"] == 32 and row["seconds"] > 0


def test_every_step_is_reported_and_the_history_has_the_learning_rates(dataset: Dataset, tmp_path: Path) -> None:
    """The rate of the head epochs is constant; then it rises for an epoch and falls to zero along a cosine."""
    steps: list[Step] = []
    schedule = replace(SCHEDULE, epochs=3, head_epochs=1, warmup_epochs=1.0)
    training = config(dataset, tmp_path, schedule=schedule, epochs=EpochConfig(21, 0))
    trained = Trainer(training).run(resume=False, on_epoch=lambda history: None, on_step=steps.append)
    assert [(step.epoch, step.epochs, step.done, step.total) for step in steps] == [
        (epoch, 3, done, 5) for epoch in (1, 2, 3) for done in range(6)
    ]
    assert all(math.isnan(step.loss) is (step.done == 0) for step in steps)
    assert [step.loss for step in steps if step.done == 5] == pytest.approx([row["loss"] for row in trained.history])
    assert [row["learning_rate"] for row in trained.history] == pytest.approx([3e-3, 1e-2, 0.0], abs=1e-9)
