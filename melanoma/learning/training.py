"""Trains a network on balanced, freshly augmented epochs, keeps its best epoch and judges it as scoring runs it."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from melanoma.engine import Engine, score_all
from melanoma.judging import metrics
from melanoma.learning.augment import augment
from melanoma.learning.splits import TEST, TRAIN, VALIDATION, Dataset, draw_balanced

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
History = Mapping[str, list[float]]
_MONITORED = "val_loss"


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes:
        epochs: At most so many, at least 1.
        batch_size: Photographs in a step, at least 1.
        seed: Of weights, dropout, drawing and augmentation.
        learning_rate: At the start; falls to 0 along a cosine over all epochs.
        label_smoothing: Share of each target spread over all classes, 0 to below 1.
        patience: Epochs without a better validation loss before training stops.
        max_repeats: Times that one photograph may come up in an epoch to balance its class.
    """

    epochs: int
    batch_size: int
    seed: int
    learning_rate: float = 1e-3
    label_smoothing: float = 0.05
    patience: int = 30
    max_repeats: int = 6


class BalancedEpochs(keras.utils.PyDataset):
    """The training part, drawn anew for each epoch with every class alike and every photograph augmented.

    Attributes:
        drawn: int64 (draws,), the current epoch's photographs.
    """

    def __init__(self, dataset: Dataset, settings: Settings) -> None:
        """Takes the training part of a data set; batch size, seed and how often a photograph may come up are set."""
        super().__init__(workers=1)  # augmentation throws global dice, which threads would share
        self._pixels, self._labels, _ = dataset.of(TRAIN)
        self._targets = np.eye(len(dataset.labels), dtype=np.float32)[self._labels]
        self._settings, self._epoch = settings, 0
        self.drawn = self._draw()

    def _draw(self) -> Labels:
        return draw_balanced(self._labels, (self._settings.seed, self._epoch), self._settings.max_repeats)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.drawn) // self._settings.batch_size)

    def __getitem__(self, batch: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Gives the pixels and one-hot targets of a batch; the same batch of the same epoch is always the same."""
        start = batch * self._settings.batch_size
        drawn = self.drawn[start : start + self._settings.batch_size]
        keys = [(self._settings.seed, self._epoch, start + offset) for offset in range(len(drawn))]
        changed = [augment(self._pixels[index], key) for index, key in zip(drawn, keys, strict=True)]
        return np.stack(changed), self._targets[drawn]

    def prior(self) -> list[float]:
        """Gives the share of each class in an epoch, sum 1: the prior that the network learns."""
        counts = np.bincount(self._labels[self.drawn], minlength=self._targets.shape[1])
        return [float(count / len(self.drawn)) for count in counts]

    def on_epoch_end(self) -> None:
        """Draws the next epoch."""
        self._epoch += 1
        self.drawn = self._draw()


class Trained(NamedTuple):
    """What training gives.

    Attributes:
        network: With the weights of its best epoch.
        history: loss, accuracy, val_loss and val_accuracy of every epoch.
        prior: Class shares that its probabilities refer to, in the order of the labels, sum 1.
    """

    network: keras.Model
    history: History
    prior: list[float]


def class_weights(labels: Labels) -> npt.NDArray[np.float32]:
    """Gives each photograph the weight under which every class that is present counts alike, mean 1."""
    counts = np.bincount(labels)
    weights = len(labels) / (np.count_nonzero(counts) * counts[labels])
    return weights.astype(np.float32)


def fit(
    build: Callable[[], keras.Model],
    dataset: Dataset,
    settings: Settings,
    log: Path,
    verbose: Literal[0, 1, 2],
) -> Trained:
    """Builds and trains a network.

    Args:
        build: Makes the network; called once the seed is set.
        dataset: Of which the training and the validation part are used. The loss and accuracy of the validation weigh
            every class alike, so that `val_accuracy` is balanced.
        settings: Epochs, batches, seed and regularisation.
        log: CSV file that gets one line for each epoch as it ends.
        verbose: 0 for silence, 1 for a bar, 2 for one line for each epoch.

    Returns:
        The network with the weights of its best epoch, and how it came to them.
    """
    keras.utils.set_random_seed(settings.seed)
    network = build()
    classes = network.output_shape[-1]
    epochs = BalancedEpochs(dataset, settings)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * len(epochs))
    network.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        weighted_metrics=["accuracy"],
    )
    log.parent.mkdir(parents=True, exist_ok=True)
    callbacks = [
        keras.callbacks.EarlyStopping(monitor=_MONITORED, patience=settings.patience, restore_best_weights=True),
        keras.callbacks.CSVLogger(str(log)),
    ]
    pixels, labels, _ = dataset.of(VALIDATION)
    history = network.fit(
        epochs,
        validation_data=(pixels, np.eye(classes, dtype=np.float32)[labels], class_weights(labels)),
        epochs=settings.epochs,
        callbacks=callbacks,
        verbose=verbose,
    )
    return Trained(
        network, {name: list(map(float, values)) for name, values in history.history.items()}, epochs.prior()
    )


def draw_curves(history: History) -> bytes:
    """Draws loss and accuracy of both parts over the epochs.

    Returns:
        A PNG file.
    """
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], label="training, balanced and augmented")
        axes.plot(epochs, history[f"val_{name}"], label="validation, classes weighed alike")
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


def judge(network: keras.Model, dataset: Dataset, settings: Settings) -> dict[str, Any]:
    """Judges a trained network on all three parts, through the engine that scoring uses.

    Returns:
        JSON values: `test` as `metrics.evaluate` gives it, and under `train` and `validation` the balanced accuracy
        over the same evaluated classes.
    """
    labels = dataset.labels
    engine = Engine(network, network.input_shape[1:3], settings.batch_size)
    answers = {}
    for part in (TRAIN, VALIDATION, TEST):
        pixels, truth, groups = dataset.of(part)
        answers[part] = truth, score_all(engine, pixels).argmax(axis=1), groups
    majority = int(np.bincount(answers[TRAIN][0]).argmax())
    test = metrics.evaluate(*answers[TEST], labels, majority, settings.seed)
    evaluated = [index for index, label in enumerate(labels) if test["recall"][label]["evaluated"]]
    gap = {}
    for part in (TRAIN, VALIDATION):
        estimate = metrics.estimate_balanced_accuracy(*answers[part], evaluated, settings.seed)
        gap[part] = estimate._asdict() if estimate else None
    return {"test": test, **gap}
