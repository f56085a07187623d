"""Distillation: a network learns from the predictions of other networks as well as from the labels.

Hinton, Vinyals, Dean: "Distilling the Knowledge in a Neural Network", 2015. The teachers see exactly the view that the
student sees, including photographs blended by mixup (Beyer et al.: "Knowledge distillation: A good teacher is patient
and consistent", CVPR 2022).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class DistillationConfig:
    """The teachers of a training and their weight in the loss.

    Attributes:
        teacher_weight: Weight of the teachers' mean prediction in each target, 0 to 1; the label has the rest.
        load_teachers: Returns the teachers: networks of any input size with the student's labels, whose probabilities
            refer to the same prior. Called only if there are epochs left to train.
        description: Identifies this distillation among others; part of the checkpoint's settings.
    """

    teacher_weight: float
    load_teachers: Callable[[], Sequence[keras.Model]]
    description: str


def with_teachers(student: keras.Model, teachers: Sequence[keras.Model], teacher_weight: float) -> keras.Model:
    """Adds the teachers' part of the loss to a network.

    Args:
        student: Network from pixels to probabilities.
        teachers: Networks with the same input and labels; they are frozen.
        teacher_weight: Weight of the cross-entropy with their mean prediction. Compile the result with
            `loss_weights=1 - teacher_weight` to make the loss the cross-entropy with the weighted target.

    Returns:
        A network that shares the student's weights and has the same input and output.
    """
    loss = _DistillationLoss(teachers, teacher_weight, name="distillation")
    return keras.Model(student.input, loss([student.input, student.output]), name=f"distilled_{student.name}")


class _DistillationLoss(keras.layers.Layer):
    """Returns a network's predictions unchanged, and adds their cross-entropy with the teachers' to the loss."""

    def __init__(self, teachers: Sequence[keras.Model], teacher_weight: float, name: str) -> None:
        super().__init__(name=name)
        self._teachers, self._teacher_weight = list(teachers), teacher_weight
        for teacher in self._teachers:
            teacher.trainable = False

    def call(self, inputs: Sequence[Any]) -> Any:
        """Takes pixels and predictions; returns the predictions."""
        pixels, predictions = inputs
        # `training=False` must be explicit: otherwise the teachers' dropout would be active.
        target = sum(teacher(pixels, training=False) for teacher in self._teachers) / len(self._teachers)
        loss = keras.ops.mean(keras.losses.categorical_crossentropy(target, predictions))
        self.add_loss(self._teacher_weight * loss)
        return predictions

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Returns the shape of the predictions."""
        return input_shape[1]
