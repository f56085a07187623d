"""Training on photographs that can be told apart by their colour: it learns, repeats, and judges once."""

import csv
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma.learning.datasets import Photograph
from melanoma.learning.networks import assignment_cnn
from melanoma.learning.splits import PARTS, Dataset
from melanoma.learning.training import BalancedEpochs, Settings, Trained, class_weights, draw_curves, fit, judge

SIZE = (32, 32)
COLOURS = {"melanoma": (90, 40, 40), "nevus": (200, 160, 120), "vascular_lesion": (180, 30, 90)}
Fit = Callable[[Dataset, Settings], Trained]


def coloured(counts: dict[str, int], seed: int = 0) -> Dataset:
    """Three fifths of each class to training, one fifth to each other part; every photograph its own lesion."""
    dice = np.random.default_rng(seed)
    photographs, pixels, parts = [], [], []
    for label, count in counts.items():
        for i in range(count):
            photographs.append(Photograph(f"{label}-{i}", "", f"{label}-{i}", label, f"{label}-{i}"))
            noise = dice.normal(0, 25, (*SIZE, 3))
            pixels.append(np.clip(noise + COLOURS[label], 0, 255).astype(np.uint8))
            parts.append(PARTS[max(0, i % 5 - 2)])
    return Dataset(photographs, np.stack(pixels), np.array(parts))


@pytest.fixture
def train(tmp_path: Path) -> Fit:
    def start(dataset: Dataset, settings: Settings) -> Trained:
        build = partial(assignment_cnn, len(dataset.labels), SIZE, widths=(8, 16))
        return fit(build, dataset, settings, tmp_path / "new" / "history.csv", verbose=0)

    return start


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return coloured({"melanoma": 60, "nevus": 90, "vascular_lesion": 30})


def test_it_learns_what_can_be_learned_and_writes_a_line_each_epoch(
    dataset: Dataset, train: Fit, tmp_path: Path
) -> None:
    settings = Settings(epochs=6, batch_size=8, seed=0, learning_rate=1e-2)
    trained = train(dataset, settings)
    found = judge(trained.network, dataset, settings)
    assert found["test"]["n"] == 36
    assert found["test"]["network"]["balanced_accuracy"]["value"] > 0.9
    assert found["test"]["majority_label"] == "nevus"
    assert not found["test"]["recall"]["vascular_lesion"]["evaluated"]
    assert found["train"]["n"] == 90
    assert found["validation"]["n"] == 30
    rows = list(csv.DictReader((tmp_path / "new" / "history.csv").open()))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(trained.history["val_loss"])
    assert sum(trained.prior) == pytest.approx(1)


def test_without_a_signal_it_does_no_better_than_chance(dataset: Dataset, train: Fit) -> None:
    order = np.random.default_rng(0).permutation(len(dataset.pixels))
    shuffled = Dataset(dataset.photographs, dataset.pixels[order], dataset.parts)
    settings = Settings(epochs=3, batch_size=8, seed=0)
    found = judge(train(shuffled, settings).network, shuffled, settings)
    assert found["test"]["network"]["balanced_accuracy"]["low"] < 0.5


def test_one_seed_is_one_network(dataset: Dataset, train: Fit) -> None:
    losses = [train(dataset, Settings(epochs=2, batch_size=16, seed=seed)).history["loss"] for seed in (1, 1, 2)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def test_the_best_epoch_is_kept_and_training_stops_after_it(dataset: Dataset, train: Fit) -> None:
    settings = Settings(epochs=30, batch_size=16, seed=0, learning_rate=0.05, patience=2)
    trained = train(dataset, settings)
    losses = trained.history["val_loss"]
    best = int(np.argmin(losses))
    assert best == len(losses) - 1 - settings.patience < settings.epochs - 1
    pixels, truth, _ = dataset.of("validation")
    found = trained.network.evaluate(
        pixels, np.eye(3)[truth], sample_weight=class_weights(truth), verbose=0, return_dict=True
    )
    assert found["loss"] == pytest.approx(losses[best], rel=1e-4)
    assert found["loss"] < losses[-1]


def test_epochs_are_balanced_fresh_and_only_of_the_training_part(dataset: Dataset) -> None:
    marked = np.broadcast_to((dataset.parts == "train")[:, None, None, None], dataset.pixels.shape)
    marked_dataset = Dataset(dataset.photographs, marked.astype(np.uint8) * 200, dataset.parts)
    epochs = BalancedEpochs(marked_dataset, Settings(epochs=1, batch_size=16, seed=0))
    batches = [epochs[index] for index in range(len(epochs))]
    assert all((pixels[:, 16, 16] == 200).all() for pixels, _ in batches)
    targets = np.concatenate([targets for _, targets in batches])
    assert targets.sum(axis=0).tolist() == [36, 36, 36]
    assert epochs.prior() == pytest.approx([1 / 3] * 3)


def test_a_batch_is_augmented_and_the_same_until_the_epoch_ends(dataset: Dataset) -> None:
    epochs = BalancedEpochs(dataset, Settings(epochs=2, batch_size=16, seed=0))
    first, again = epochs[1][0], epochs[1][0]
    originals = dataset.of("train")[0][epochs.drawn[16:32]]
    changed = [not np.array_equal(picture, original) for picture, original in zip(first, originals, strict=True)]
    drawn = epochs.drawn
    epochs.on_epoch_end()
    assert sum(changed) > 12
    assert np.array_equal(first, again)
    assert not np.array_equal(first, epochs[1][0])
    assert not np.array_equal(drawn, epochs.drawn)


def test_a_class_that_the_cap_keeps_small_has_a_smaller_prior() -> None:
    dataset = coloured({"melanoma": 50, "nevus": 50, "vascular_lesion": 1})
    epochs = BalancedEpochs(dataset, Settings(epochs=1, batch_size=16, seed=0, max_repeats=3))
    assert epochs.prior() == pytest.approx([21 / 45, 21 / 45, 3 / 45])


def test_weights_make_every_present_class_count_alike() -> None:
    truth = np.array([0, 0, 0, 2])
    weights = class_weights(truth)
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert weights.mean() == pytest.approx(1)


def test_curves_are_a_picture() -> None:
    values = [0.5, 0.4]
    png = draw_curves({"loss": values, "accuracy": values, "val_loss": values, "val_accuracy": values})
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert picture.width > 500
