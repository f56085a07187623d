"""The running average of a network's weights, which is what ships (Polyak, Juditsky 1992)."""

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from melanoma.training.networks.registry import BACKEND

EVERY = 5  # steps between two updates: fetching the weights from a GPU takes as long as a step


class WeightAverage(keras.callbacks.Callback):
    """Averages all weights of a network during training, moving statistics included.

    The network may be part of the model that is fitted.

    Attributes:
        weights: The average so far; empty before the first step.
        steps: Training steps so far.
    """

    def __init__(self, network: keras.Model, momentum: float) -> None:
        """Averages the weights of a network; `momentum` is the weight of the old average per step, 0 to below 1."""
        super().__init__()
        self._network, self._momentum = network, momentum
        self.weights: list[npt.NDArray[np.float32]] = []
        self.steps = self._steps_before_epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Stores the number of steps before this epoch."""
        self._steps_before_epoch = self.steps

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Updates the average when `EVERY` steps have passed; Keras may call this once for several steps."""
        last, self.steps = self.steps, self._steps_before_epoch + batch + 1
        if self.weights and self.steps // EVERY == last // EVERY:
            return
        if BACKEND == "jax":  # JAX updates the Keras variables only on request
            self.model.jax_state_sync()
        current = self._network.get_weights()
        self.weights = self.weights or current
        # A smaller momentum at first, so that the initial weights are soon forgotten.
        momentum = min(self._momentum, self.steps / (self.steps + 10)) ** EVERY
        for average, weight in zip(self.weights, current, strict=True):
            average += (1 - momentum) * (weight - average)
