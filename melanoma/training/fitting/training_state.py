"""The networks of a training in progress: how they are built, compiled, saved and restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from melanoma.training.fitting.checkpoints import Arrays, Checkpoint
from melanoma.training.fitting.distillation import with_teachers
from melanoma.training.fitting.training_config import TrainingConfig
from melanoma.training.fitting.warm_start import load_weights
from melanoma.training.fitting.weight_averaging import EVERY, WeightAverage
from melanoma.training.networks.fast_copy import training_copy
from melanoma.training.networks.layers import HEAD, SCALING
from melanoma.training.networks.registry import BACKEND


@dataclass(frozen=True)
class TrainingState:
    """The networks of a training in progress.

    Attributes:
        shipped: Network of plain layers and one input size, which receives the averaged weights.
        network: Network with the same weights, with faster training steps and inputs of any size.
        fitted: Model that Keras fits: `network`, or a model that holds it and its teachers.
        average: Running average of the weights of `network`.
    """

    shipped: keras.Model
    network: keras.Model
    fitted: keras.Model
    average: WeightAverage

    def compile(self, config: TrainingConfig, epoch: int, steps: int) -> None:
        """Compiles the fitted model, with a new optimizer, for an epoch and those after it.

        Args:
            config: Settings of the training.
            epoch: Epoch, counted from 0; it decides whether the head trains alone.
            steps: Steps per epoch.
        """
        schedule, head_only = config.schedule, config.schedule.is_head_only(epoch)
        for layer in self.network.layers:
            layer.trainable = layer.name == HEAD or not (head_only or layer.name == SCALING)
        optimizer = schedule.optimizer(steps, head_only=head_only)
        is_jax = BACKEND == "jax"
        self.fitted.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=schedule.label_smoothing),
            loss_weights=1 - config.distillation.teacher_weight if config.distillation else None,
            metrics=["accuracy"],
            jit_compile=is_jax,  # TensorFlow's own kernels are faster on a CPU
            steps_per_execution=EVERY if is_jax else 1,  # a GPU waits for Python after each execution
        )
        optimizer.build(self.fitted.trainable_variables)

    def publish_average(self) -> None:
        """Copies the averaged weights to the network that ships."""
        self.shipped.set_weights(self.average.weights)

    def to_arrays(self) -> dict[str, Arrays]:
        """Returns the arrays that a checkpoint must keep."""
        return {
            "network": _arrays(self.network.variables),
            "optimizer": _arrays(self.fitted.optimizer.variables),
            "average": [*self.average.weights, np.array(self.average.steps)],
        }

    def restore(self, checkpoint: Checkpoint, *, with_optimizer: bool) -> None:
        """Restores weights and average from a checkpoint, and with `with_optimizer` also the optimizer's state."""
        _assign(self.network.variables, checkpoint.arrays["network"])
        if with_optimizer:
            _assign(self.fitted.optimizer.variables, checkpoint.arrays["optimizer"])
        *weights, steps = checkpoint.arrays["average"]
        self.average.weights, self.average.steps = list(weights), int(steps)


def build_state(config: TrainingConfig, *, with_distillation: bool) -> TrainingState:
    """Builds the networks, seeded; neither compiled nor trained.

    Args:
        config: Settings of the training.
        with_distillation: Whether to load the teachers, if there are any; not needed when no epochs are left.

    Raises:
        UsageError: The initial weights belong to a different kind of network.
    """
    keras.utils.set_random_seed(config.epochs.seed)
    shipped = config.network.build(config.num_classes, (config.spec.height, config.spec.width))
    network = training_copy(config.network.build(config.num_classes, (None, None)), config.precision)
    network.set_weights(shipped.get_weights())
    if config.initial_weights:
        load_weights(network, config.initial_weights)
    fitted = network
    if config.distillation and with_distillation:
        fitted = with_teachers(network, config.distillation.load_teachers(), config.distillation.teacher_weight)
    return TrainingState(shipped, network, fitted, WeightAverage(network, config.schedule.averaging))


def _arrays(variables: Sequence[Any]) -> list[npt.NDArray[Any]]:
    return [np.asarray(variable) for variable in variables]


def _assign(variables: Sequence[Any], arrays: Arrays) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
