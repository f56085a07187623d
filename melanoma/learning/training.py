"""Trains a network: head first, then all of it, on pictures that grow, and keeps a running average of its weights."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from melanoma.images import ImageSpec
from melanoma.labelled.datasets import load_pixels
from melanoma.labelled.splits import TRAIN, VALIDATION, Dataset
from melanoma.learning import checkpoints
from melanoma.learning.checkpoints import Checkpoint
from melanoma.learning.epochs import Drawing, Epoch, Look
from melanoma.learning.networks import HEAD, Network
from melanoma.learning.normalisation import with_fused_normalisation

History = list[dict[str, float]]
_NO_DECAY = ("gamma", "beta", "bias")
_MONITORED = 100  # photographs of each class that are judged after every epoch


@dataclass(frozen=True)
class Schedule:
    """How long, how fast and on what sizes a network is trained.

    Attributes:
        epochs: At least 1, those of the head included.
        sizes: Heights and widths that training grows through, each for as many epochs.
        head_epochs: First epochs in which only the head learns; 0 for a network that knows nothing yet.
        head_rate: Learning rate of these.
        learning_rate: Of all layers at its highest.
        warmup_epochs: Over which it rises from nothing; afterwards it falls to nothing along a cosine.
        weight_decay: Of AdamW, not for biases and normalisation (Loshchilov, Hutter 2019).
        label_smoothing: Share of each target spread over all classes, 0 to below 1 (Szegedy et al. 2016).
        averaging: Momentum of the running average of the weights, per step (Polyak, Juditsky 1992).
    """

    epochs: int
    sizes: tuple[tuple[int, int], ...]
    head_epochs: int = 0
    head_rate: float = 3e-3
    learning_rate: float = 5e-4
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    averaging: float = 0.998

    def size_of(self, epoch: int) -> tuple[int, int]:
        """Gives the size on which an epoch, counted from 0, trains."""
        return self.sizes[min(epoch * len(self.sizes) // self.epochs, len(self.sizes) - 1)]


class Trained(NamedTuple):
    """What training gives.

    Attributes:
        network: Of plain layers and one size, with averaged weights.
        history: Figures of every epoch.
        prior: Class shares of the epochs, in the order of the labels, sum 1: what its probabilities refer to.
    """

    network: keras.Model
    history: History
    prior: npt.NDArray[np.float64]


class _Average(keras.callbacks.Callback):
    """The running average of all weights, moving statistics included."""

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self._momentum = momentum
        self.weights: list[npt.NDArray[np.float32]] = []
        self.steps = 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        now = self.model.get_weights()
        self.weights = self.weights or now
        self.steps += 1
        momentum = min(self._momentum, self.steps / (self.steps + 10))  # the first steps count for little
        for average, weight in zip(self.weights, now, strict=True):
            average += (1 - momentum) * (weight - average)


class Trainer:
    """A training that can be taken up where a killed one stopped, at the last whole epoch."""

    def __init__(
        self,
        network: Network,
        spec: ImageSpec,
        dataset: Dataset,
        look: Look,
        drawing: Drawing,
        schedule: Schedule,
        checkpoint: Path,
        initial: Mapping[str, Sequence[npt.NDArray[np.float32]]] | None = None,
    ) -> None:
        """Names all of it; nothing is read yet.

        Args:
            network: To be trained.
            spec: What scoring will see, and on which validation is judged.
            dataset: Of which the training and the validation part are used.
            look: At a training photograph.
            drawing: Of an epoch.
            schedule: Of epochs, sizes and learning rates.
            checkpoint: Local file, replaced after every epoch.
            initial: Weights by name of layer with which it starts instead of its own.
        """
        self._kind, self._spec, self._dataset, self._look = network, spec, dataset, look
        self._drawing, self._schedule, self._checkpoint = drawing, schedule, checkpoint
        self._initial = initial or {}
        self._labels = len(dataset.labels)
        self._part = dataset.of(TRAIN)
        self._average = _Average(schedule.averaging)
        self._history: History = []

    def run(self, resume: bool, verbose: Literal[0, 1, 2], on_epoch: Callable[[History], None]) -> Trained:
        """Trains to the end.

        Args:
            resume: Whether to go on from the checkpoint.
            verbose: 0 for silence, 1 for a bar, 2 for one line for each epoch.
            on_epoch: Called with the figures of all epochs so far.

        Raises:
            UsageError: There is no such checkpoint, or it belongs to another training.
        """
        keras.utils.set_random_seed(self._drawing.seed)
        shipped = self._kind.build(self._labels, (self._spec.height, self._spec.width))
        network = with_fused_normalisation(self._kind.build(self._labels, (None, None)))
        network.set_weights(shipped.get_weights())
        for layer in network.layers:
            if layer.name in self._initial:
                layer.set_weights(self._initial[layer.name])
        found = checkpoints.load(self._checkpoint, self._settings()) if resume else None
        self._history = found.history if found else []
        done = found.epochs if found else 0
        self._compile(network, done)
        if found:
            self._restore(network, found)
        monitored, truth = self._monitored()
        for number in range(done, self._schedule.epochs):
            started = time.monotonic()
            if number == self._schedule.head_epochs > 0:
                self._compile(network, number)
            epoch = self._epoch(number)
            fitted = network.fit(epoch, epochs=1, shuffle=False, callbacks=[self._average], verbose=verbose)
            shipped.set_weights(self._average.weights)
            figures = {name: float(values[-1]) for name, values in fitted.history.items()}
            figures |= validate(shipped, monitored, truth, epoch.shares())
            side = self._schedule.size_of(number)[0]
            self._history.append({"size": side, **figures, "seconds": time.monotonic() - started})
            on_epoch(self._history)
            self._keep(network, number + 1)
        shipped.set_weights(self._average.weights)
        return Trained(shipped, self._history, self._epoch(0).shares())

    def _monitored(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Takes the first photographs of each class of the validation part: enough to watch, too few to judge."""
        part = self._dataset.of(VALIDATION)
        chosen = np.concatenate([np.flatnonzero(part.truth == label)[:_MONITORED] for label in range(self._labels)])
        photographs = [part.photographs[index] for index in chosen]
        return load_pixels(photographs, self._spec), part.truth[chosen]

    def _epoch(self, number: int) -> Epoch:
        size = self._schedule.size_of(number)
        return Epoch(self._part, self._labels, self._drawing, self._look, number, size)

    def _settings(self) -> dict[str, Any]:
        counts = np.bincount(self._part.truth).tolist()
        return {**asdict(self._schedule), **asdict(self._drawing), "look": self._look.name, "training part": counts}

    def _compile(self, network: keras.Model, epoch: int) -> None:
        """Sets what learns from this epoch on: the head alone, or everything."""
        schedule, head_only = self._schedule, epoch < self._schedule.head_epochs
        for layer in network.layers:
            layer.trainable = layer.name == HEAD or not head_only
        steps = len(self._epoch(0))
        rate: Any = schedule.head_rate
        if not head_only:
            warmup = max(1, round(schedule.warmup_epochs * steps))
            falling = max(1, (schedule.epochs - schedule.head_epochs) * steps - warmup)
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, falling, warmup_target=schedule.learning_rate, warmup_steps=warmup
            )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay, global_clipnorm=5.0)
        optimizer.exclude_from_weight_decay(var_names=list(_NO_DECAY))
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=schedule.label_smoothing)
        network.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], jit_compile=False)
        optimizer.build(network.trainable_variables)

    def _keep(self, network: keras.Model, epochs: int) -> None:
        arrays = {
            "network": [np.asarray(variable) for variable in network.variables],
            "optimizer": [np.asarray(variable) for variable in network.optimizer.variables],
            "average": [*self._average.weights, np.array(self._average.steps)],
        }
        checkpoints.save(self._checkpoint, Checkpoint(epochs, self._history, arrays), self._settings())

    def _restore(self, network: keras.Model, found: Checkpoint) -> None:
        for variable, array in zip(network.variables, found.arrays["network"], strict=True):
            variable.assign(array)
        kept = found.arrays["optimizer"]
        # Between head and body the optimizer begins anew.
        if found.epochs != self._schedule.head_epochs or not found.epochs:
            for variable, array in zip(network.optimizer.variables, kept, strict=True):
                variable.assign(array)
        *weights, steps = found.arrays["average"]
        self._average.weights, self._average.steps = list(weights), int(steps)


def validate(
    network: keras.Model,
    pixels: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.int64],
    prior: npt.NDArray[np.float64],
) -> dict[str, float]:
    """Judges a network between epochs.

    Args:
        network: To probabilities (photographs, labels).
        pixels: uint8 (photographs, height, width, 3).
        truth: int64 (photographs,).
        prior: Class shares that the probabilities refer to, (labels,).

    Returns:
        `val_loss`, the mean cross-entropy in which every class counts alike, and `val_accuracy`, the balanced accuracy
        of the likeliest class under equal shares.
    """
    probabilities = network.predict(pixels, batch_size=64, verbose=0) / np.maximum(prior, 1e-6)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    losses = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-7))
    present = np.unique(truth)
    right = probabilities.argmax(axis=1) == truth
    return {
        "val_loss": float(np.mean([losses[truth == label].mean() for label in present])),
        "val_accuracy": float(np.mean([right[truth == label].mean() for label in present])),
    }


def history_csv(history: History) -> bytes:
    """Spells the figures of every epoch, a line each."""
    names = list(history[0]) if history else []
    lines = [",".join(["epoch", *names])]
    lines += [",".join(map(str, (number, *(row[name] for name in names)))) for number, row in enumerate(history, 1)]
    return ("\n".join(lines) + "\n").encode()
