"""The training loop: epoch by epoch, with a checkpoint after each."""

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from melanoma.datasets.splits import TRAIN, VALIDATION
from melanoma.errors import UsageError
from melanoma.training.data.epochs import Epoch
from melanoma.training.data.loader import DataLoader
from melanoma.training.fitting import checkpoints
from melanoma.training.fitting.checkpoints import Checkpoint
from melanoma.training.fitting.monitoring import History, Monitor
from melanoma.training.fitting.steps import Step, StepReporter
from melanoma.training.fitting.training_config import TrainingConfig
from melanoma.training.fitting.training_state import TrainingState, build_state
from melanoma.training.networks.registry import BACKEND

OnStep = Callable[[Step], object]
_EMPTY = Checkpoint(0, [], [], {})


class Trained(NamedTuple):
    """The result of a training.

    Attributes:
        network: Network of plain layers and one input size, with averaged weights.
        history: Metrics of every epoch.
        prior: Class shares of the epochs, shape (classes,), sum 1: what the network's probabilities refer to.
        backends: Keras backends that trained it, in order.
    """

    network: keras.Model
    history: History
    prior: npt.NDArray[np.float64]
    backends: Sequence[str]


class Trainer:
    """Trains a network, and resumes a killed training after its last completed epoch.

    The head trains first, then all layers, on images of increasing size. The result is a running average of the
    weights.
    """

    def __init__(self, config: TrainingConfig) -> None:
        """Takes the settings; reads nothing yet."""
        self._config = config
        self._loader = DataLoader(config.policy, config.processes)
        self._part = config.dataset.part(TRAIN)
        self._settings = config.checkpoint_settings()

    def run(self, *, resume: bool, on_epoch: Callable[[History], object], on_step: OnStep | None = None) -> Trained:
        """Trains to the end.

        Args:
            resume: Whether to continue from the checkpoint.
            on_epoch: Called after every epoch, before its checkpoint, with the metrics of all epochs so far.
            on_step: Called when an epoch begins and after its steps; None costs nothing.

        Raises:
            UsageError: The checkpoint is missing or belongs to another training, or the loss became infinite.
        """
        config = self._config
        start = checkpoints.load(config.checkpoint, self._settings) if resume else _EMPTY
        history, backends = list(start.history), list(start.backends)
        state = self._initial_state(start)
        monitor = Monitor(config.dataset.part(VALIDATION), config.spec)
        with self._loader:
            for number in range(start.epochs, config.schedule.epochs):
                if number == config.schedule.head_epochs > 0:
                    self._compile(state, number)
                if BACKEND not in backends:
                    backends.append(BACKEND)
                history.append(self._train_epoch(state, number, monitor, on_step))
                on_epoch(history)
                checkpoint = Checkpoint(number + 1, history, backends, state.to_arrays())
                checkpoints.save(config.checkpoint, checkpoint, self._settings)
        state.publish_average()
        return Trained(state.shipped, history, self._epoch(0).class_shares(), backends)

    def _initial_state(self, start: Checkpoint) -> TrainingState:
        schedule = self._config.schedule
        state = build_state(self._config, with_distillation=start.epochs < schedule.epochs)
        self._compile(state, start.epochs)
        if start.epochs:
            # The first epoch after the head epochs starts with a new optimizer.
            state.restore(start, with_optimizer=start.epochs != schedule.head_epochs)
        return state

    def _train_epoch(
        self, state: TrainingState, number: int, monitor: Monitor, on_step: OnStep | None
    ) -> dict[str, float]:
        """Trains one epoch and returns its metrics."""
        started, epoch = time.monotonic(), self._epoch(number)
        first = Step(number + 1, self._config.schedule.epochs, 0, len(epoch), math.nan)
        callbacks = [state.average, *([StepReporter(first, on_step)] if on_step else [])]
        fitted = state.fitted.fit(epoch, epochs=1, shuffle=False, callbacks=callbacks, verbose=0)
        state.publish_average()
        metrics = {name: float(values[-1]) for name, values in fitted.history.items()}
        if not math.isfinite(metrics["loss"]):
            raise UsageError(f"epoch {number + 1}: the loss became infinite; give a smaller --learning-rate")
        metrics |= monitor.measure(state.shipped, epoch.class_shares())
        side = self._config.schedule.size_of(number)[0]
        rate = float(keras.ops.convert_to_numpy(state.fitted.optimizer.learning_rate))
        return {"size": side, **metrics, "seconds": time.monotonic() - started, "learning_rate": rate}

    def _compile(self, state: TrainingState, epoch: int) -> None:
        state.compile(self._config, epoch, steps=len(self._epoch(0)))

    def _epoch(self, number: int) -> Epoch:
        config = self._config
        size = config.schedule.size_of(number)
        return Epoch(self._part, config.num_classes, config.epochs, self._loader, number, size)
