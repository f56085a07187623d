"""Reports every step of an epoch while Keras trains it, for a progress bar."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras


class Step(NamedTuple):
    """The progress within an epoch.

    Attributes:
        epoch: Number of the epoch, counted from 1.
        epochs: Total epochs of this network.
        done: Completed steps; 0 when the epoch begins.
        total: Steps of the epoch.
        loss: Mean loss of these steps; NaN before the first.
    """

    epoch: int
    epochs: int
    done: int
    total: int
    loss: float


class StepReporter(keras.callbacks.Callback):
    """Calls a function when an epoch begins and after its steps; Keras may call it once for several steps."""

    def __init__(self, first: Step, on_step: Callable[[Step], object]) -> None:
        """Reports to `on_step`; `first` is the epoch when it begins."""
        super().__init__()
        self._first, self._on_step = first, on_step

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Reports that no step has been completed."""
        self._on_step(self._first)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Reports the steps so far."""
        self._on_step(self._first._replace(done=batch + 1, loss=float((logs or {}).get("loss", math.nan))))
