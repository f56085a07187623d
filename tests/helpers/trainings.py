"""A training that takes about a second: three classes that differ by colour, and a network of two small blocks."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from melanoma.datasets.cleaning import Step
from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import PARTS, Dataset
from melanoma.images.decoding import ImageSpec
from melanoma.training.data import augmentor
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.data.policies import AugmentationPolicy
from melanoma.training.fitting.monitoring import History
from melanoma.training.fitting.preparation import Prepared
from melanoma.training.fitting.recipes import recipe_for
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.trainer import Trained, Trainer
from melanoma.training.fitting.training_config import TrainingConfig
from melanoma.training.networks.assignment_cnn import assignment_cnn
from melanoma.training.networks.registry import Network, network_named
from melanoma.training.release.training_job import TrainingJob
from tests.helpers import coloured

CNN = Network(partial(assignment_cnn, widths=(8, 16)), False, (), "A small network")
POLICY = AugmentationPolicy("augmentor", augmentor.augmented_view, 1)
SCHEDULE = Schedule(
    epochs=6, sizes=(coloured.SIZE,), learning_rate=1e-2, warmup_epochs=0.5, weight_decay=0, averaging=0.9
)
COUNTS = {"melanoma": 60, "nevus": 90, "vascular_lesion": 30}


def config(dataset: Dataset, folder: Path, **changes: Any) -> TrainingConfig:
    """Returns the settings of a small training with a checkpoint in a folder."""
    settings: dict[str, Any] = {"network": CNN, "policy": POLICY, "epochs": EpochConfig(8, 0), "schedule": SCHEDULE}
    folder.mkdir(parents=True, exist_ok=True)
    return TrainingConfig(
        spec=ImageSpec(*coloured.SIZE), dataset=dataset, checkpoint=folder / "checkpoint.npz", **settings | changes
    )


def train(training: TrainingConfig, *, resume: bool = False, stop_after: int | None = None) -> Trained:
    """Trains without output; `stop_after` interrupts at the end of that epoch, before its checkpoint."""

    def on_epoch(history: History) -> None:
        if len(history) == stop_after:
            raise KeyboardInterrupt

    return Trainer(training).run(resume=resume, on_epoch=on_epoch)


def listed(counts: dict[str, int]) -> Dataset:
    """Returns a split data set of photographs without files, three fifths of each class for training."""
    names = [(label, f"{label}-{number}") for label, count in counts.items() for number in range(count)]
    photographs = [Photograph(name, f"{name}.png", f"digest of {name}", label, name) for label, name in names]
    parts = [PARTS[max(0, number % 5 - 2)] for count in counts.values() for number in range(count)]
    return Dataset(photographs, np.array(parts))


def colour_network(dataset: Dataset) -> keras.Model:
    """Returns a network that tells `coloured` photographs apart by mean colour, and has assignment-cnn's layers."""
    labels = dataset.labels
    colours = np.array([coloured.COLOURS[label] for label in labels], np.float32) / 255
    pixels = keras.Input((*coloured.SIZE, 3), name="pixels")
    features = keras.layers.Rescaling(1 / 255)(pixels)
    for name in network_named("assignment-cnn").feature_layers:
        features = keras.layers.ReLU(name=name)(features)
    head = keras.layers.Dense(len(labels), activation="softmax", name="probabilities")
    network = keras.Model(pixels, head(keras.layers.GlobalAveragePooling2D()(features)))
    head.set_weights([80 * colours.T, -40 * (colours**2).sum(axis=1)])  # logits fall with the squared distance
    return network


def trained(dataset: Dataset, **changes: Any) -> Trained:
    """Returns a made-up result of a training of two epochs."""
    row = {"size": 32.0, "accuracy": 0.5, "loss": 1.0, "val_loss": 1.25, "val_accuracy": 0.25, "seconds": 9.0}
    history = [row, {**row, "size": 48.0, "loss": 0.5}]
    shares = np.full(len(dataset.labels), 1 / len(dataset.labels))
    return Trained(colour_network(dataset), history, shares, ["tensorflow"])._replace(**changes)


def job(dataset: Dataset, **changes: Any) -> TrainingJob:
    """Returns a job for `assignment-cnn` on small images."""
    recipe = replace(recipe_for("assignment-cnn"), size=coloured.SIZE, train_sizes=(coloured.SIZE,), epochs=2)
    prepared = Prepared(dataset, [Step("found", 0, len(dataset.photographs))], [])
    settings = {"recipe": recipe, "seed": 3, "rule": "balanced", "max_referral_rate": 0.2}
    return TrainingJob(**{"network": "assignment-cnn", "prepared": prepared, **settings, **changes})
