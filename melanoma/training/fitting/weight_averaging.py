"""The running average of a network's weights, which is what ships (Polyak, Juditsky 1992)."""

from collections.abc import Mapping

import keras
import numpy as np
import numpy.typing as npt

from melanoma.training.networks.registry import BACKEND

EVERY = 5  # steps from one look at the weights to the next: fetching them from a GPU takes as long as a step


class Average(keras.callbacks.Callback):
    """Averages all weights of a network while something that holds it is trained, moving statistics included.

    Attributes:
        weights: The average so far; empty before the first step.
        steps: Of training.
    """

    def __init__(self, network: keras.Model, momentum: float) -> None:
        """Names the network and the momentum per step, 0 to below 1."""
        super().__init__()
        self._network, self._momentum = network, momentum
        self.weights: list[npt.NDArray[np.float32]] = []
        self.steps = self._before = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Notes the steps of the epochs before."""
        self._before = self.steps

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Takes the weights after this step in, or waits for a later one; Keras may call only once for some steps."""
        last, self.steps = self.steps, self._before + batch + 1
        if self.weights and self.steps // EVERY == last // EVERY:
            return
        if BACKEND == "jax":  # which keeps the weights to itself while it trains
            self.model.jax_state_sync()
        now = self._network.get_weights()
        self.weights = self.weights or now
        momentum = min(self._momentum, self.steps / (self.steps + 10)) ** EVERY  # the first steps count for little
        for average, weight in zip(self.weights, now, strict=True):
            average += (1 - momentum) * (weight - average)
