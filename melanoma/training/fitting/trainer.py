"""Trains a network: head first, then all of it, on pictures that grow, and keeps a running average of its weights."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.splits import TRAIN, VALIDATION, Dataset
from melanoma.errors import UsageError
from melanoma.images.decoding import ImageSpec
from melanoma.training.data.epochs import Epoch, EpochConfig
from melanoma.training.data.loader import DataLoader
from melanoma.training.data.policies import AugmentationPolicy
from melanoma.training.fitting import checkpoints
from melanoma.training.fitting.checkpoints import Checkpoint
from melanoma.training.fitting.distillation import Teaching, with_teachers
from melanoma.training.fitting.monitoring import History, Monitor
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.weight_averaging import EVERY, Average
from melanoma.training.networks.fast_copy import training_copy
from melanoma.training.networks.layers import HEAD, SCALING
from melanoma.training.networks.registry import BACKEND, Network


class Trained(NamedTuple):
    """What training gives.

    Attributes:
        network: Of plain layers and one size, with averaged weights.
        history: Figures of every epoch.
        prior: Class shares of the epochs, in the order of the labels, sum 1: what its probabilities refer to.
        backends: Of Keras, that trained it, in order.
    """

    network: keras.Model
    history: History
    prior: npt.NDArray[np.float64]
    backends: Sequence[str]


class _Learning(NamedTuple):
    """What is in the making.

    Attributes:
        shipped: Of plain layers and one size.
        network: The same weights, trained.
        learner: What is fitted: that network, or one that holds it and its teachers.
        average: Of the network's weights.
    """

    shipped: keras.Model
    network: keras.Model
    learner: keras.Model
    average: Average


class Trainer:
    """A training that can be taken up where a killed one stopped, at the last whole epoch."""

    def __init__(
        self,
        network: Network,
        spec: ImageSpec,
        dataset: Dataset,
        look: AugmentationPolicy,
        drawing: EpochConfig,
        schedule: Schedule,
        checkpoint: Path,
        initial: Mapping[str, Sequence[npt.NDArray[np.float32]]] | None = None,
        precision: str = "float32",
        processes: int = 0,
        teaching: Teaching | None = None,
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
            precision: See `training_copy`.
            processes: See `DataLoader`.
            teaching: By other networks, beside the labels.
        """
        self._kind, self._spec, self._dataset, self._look = network, spec, dataset, look
        self._viewer, self._precision = DataLoader(look, processes), precision
        self._drawing, self._schedule, self._checkpoint = drawing, schedule, checkpoint
        self._initial, self._teaching = initial or {}, teaching
        self._labels = len(dataset.labels)
        self._part = dataset.part(TRAIN)
        self._history: History = []
        self._backends: list[str] = []

    def run(self, resume: bool, verbose: Literal[0, 1, 2], on_epoch: Callable[[History], object]) -> Trained:
        """Trains to the end.

        Args:
            resume: Whether to go on from the checkpoint.
            verbose: 0 for silence, 1 for a bar, 2 for one line for each epoch.
            on_epoch: Called with the figures of all epochs so far.

        Raises:
            UsageError: There is no such checkpoint, it belongs to another training, or nothing is learned at that rate.
        """
        found = checkpoints.load(self._checkpoint, self._settings) if resume else None
        self._history = found.history if found else []
        self._backends = found.backends if found else []
        done = found.epochs if found else 0
        it = self._built(is_done=done == self._schedule.epochs)
        self._compile(it, done)
        if found:
            self._restore(it, found)
        monitor = Monitor(self._dataset.part(VALIDATION), self._spec)
        with self._viewer:
            for number in range(done, self._schedule.epochs):
                if number == self._schedule.head_epochs > 0:
                    self._compile(it, number)
                self._history.append(self._learn(it, number, monitor, verbose))
                on_epoch(self._history)
                self._keep(it, number + 1)
        it.shipped.set_weights(it.average.weights)
        return Trained(it.shipped, self._history, self._epoch(0).class_shares(), self._backends)

    def _built(self, is_done: bool) -> _Learning:
        keras.utils.set_random_seed(self._drawing.seed)
        shipped = self._kind.build(self._labels, (self._spec.height, self._spec.width))
        network = training_copy(self._kind.build(self._labels, (None, None)), self._precision)
        network.set_weights(shipped.get_weights())
        self._take_over(network)
        learner = network
        if self._teaching and not is_done:
            learner = with_teachers(network, self._teaching.teachers(), self._teaching.share)
        return _Learning(shipped, network, learner, Average(network, self._schedule.averaging))

    def _learn(self, it: _Learning, number: int, monitor: Monitor, verbose: Literal[0, 1, 2]) -> dict[str, float]:
        """Goes through an epoch and gives its figures."""
        started, epoch = time.monotonic(), self._epoch(number)
        if BACKEND not in self._backends:
            self._backends.append(BACKEND)
        fitted = it.learner.fit(epoch, epochs=1, shuffle=False, callbacks=[it.average], verbose=verbose)
        it.shipped.set_weights(it.average.weights)
        figures = {name: float(values[-1]) for name, values in fitted.history.items()}
        if not math.isfinite(figures["loss"]):
            raise UsageError(f"epoch {number + 1}: the loss has become infinite; give a smaller --learning-rate")
        figures |= monitor.judge(it.shipped, epoch.class_shares())
        side = self._schedule.size_of(number)[0]
        return {"size": side, **figures, "seconds": time.monotonic() - started}

    def _take_over(self, network: keras.Model) -> None:
        if not self._initial:
            return
        layers = {layer.name: layer for layer in network.layers if layer.name in self._initial and layer.name != HEAD}
        wanted = {name: [weights.shape for weights in layer.get_weights()] for name, layer in layers.items()}
        if not wanted or wanted != {name: [weights.shape for weights in self._initial[name]] for name in layers}:
            raise UsageError("--start-from: that bundle holds another kind of network; give the same --network")
        for name, layer in layers.items():
            layer.set_weights(self._initial[name])

    def _epoch(self, number: int) -> Epoch:
        size = self._schedule.size_of(number)
        return Epoch(self._part, self._labels, self._drawing, self._viewer, number, size)

    @cached_property
    def _settings(self) -> dict[str, Any]:
        counts = np.bincount(self._part.truth).tolist()
        split = hashlib.sha256(self._dataset.to_csv()).hexdigest()
        network = f"{self._kind.description}, {self._spec.height}x{self._spec.width}, {self._initial_digest()}"
        own = {"look": self._look.name, "training part": counts, "photographs and split": split, "network": network}
        own |= {"precision": self._precision, "teaching": self._teaching.description if self._teaching else "none"}
        return {**asdict(self._schedule), **asdict(self._drawing), **own}

    def _initial_digest(self) -> str:
        """Tells trainings apart that start from other weights."""
        digest = hashlib.sha256()
        for name in sorted(self._initial):
            for weights in self._initial[name]:
                digest.update(np.ascontiguousarray(weights).tobytes())
        return f"from {digest.hexdigest()[:12]}" if self._initial else "from its own start"

    def _compile(self, it: _Learning, epoch: int) -> None:
        """Sets what learns from this epoch on: the head alone, or everything."""
        head_only = epoch < self._schedule.head_epochs
        for layer in it.network.layers:
            layer.trainable = layer.name == HEAD or not (head_only or layer.name == SCALING)
        optimizer = self._schedule.optimizer(len(self._epoch(0)), head_only)
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=self._schedule.label_smoothing)
        is_jax = BACKEND == "jax"
        it.learner.compile(
            optimizer=optimizer,
            loss=loss,
            loss_weights=1 - self._teaching.share if self._teaching else None,
            metrics=["accuracy"],
            jit_compile=is_jax,  # TensorFlow's own kernels are faster on a CPU
            steps_per_execution=EVERY if is_jax else 1,  # after each, a GPU waits for Python
        )
        optimizer.build(it.learner.trainable_variables)

    def _keep(self, it: _Learning, epochs: int) -> None:
        arrays = {
            "network": [np.asarray(variable) for variable in it.network.variables],
            "optimizer": [np.asarray(variable) for variable in it.learner.optimizer.variables],
            "average": [*it.average.weights, np.array(it.average.steps)],
        }
        checkpoints.save(self._checkpoint, Checkpoint(epochs, self._history, self._backends, arrays), self._settings)

    def _restore(self, it: _Learning, found: Checkpoint) -> None:
        for variable, array in zip(it.network.variables, found.arrays["network"], strict=True):
            variable.assign(array)
        kept = found.arrays["optimizer"]
        # Between head and body the optimizer begins anew.
        if found.epochs != self._schedule.head_epochs or not found.epochs:
            for variable, array in zip(it.learner.optimizer.variables, kept, strict=True):
                variable.assign(array)
        *weights, steps = found.arrays["average"]
        it.average.weights, it.average.steps = list(weights), int(steps)
