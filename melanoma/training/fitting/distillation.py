"""Learning from what other networks answer, beside the labels (distillation).

Hinton, Vinyals, Dean: "Distilling the Knowledge in a Neural Network", 2015. The teachers look at the very view that the
pupil looks at, blends of photographs included (Beyer et al.: "Knowledge distillation: A good teacher is patient and
consistent", CVPR 2022).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras


class Teaching(NamedTuple):
    """Who teaches, and how much it counts.

    Attributes:
        share: Of each target that is the teachers' mean answer; the label is the rest. 0 to 1.
        teachers: Gives them, networks of any input size with the pupil's labels, whose probabilities refer to the
            same prior; called only if there is an epoch left to teach.
        description: By which one teaching can be told from another.
    """

    share: float
    teachers: Callable[[], Sequence[keras.Model]]
    description: str


def with_teachers(network: keras.Model, teachers: Sequence[keras.Model], share: float) -> keras.Model:
    """Lets a network be taught.

    Args:
        network: From pixels to probabilities.
        teachers: Of the same pixels and labels; they learn nothing.
        share: What the cross-entropy to their mean answer counts. Compile with `loss_weights=1 - share`, and the loss
            is the cross-entropy to a target of both.

    Returns:
        A network that holds the one given, with the same input and output.
    """
    lesson = _Lesson(teachers, share, name="lesson")
    return keras.Model(network.input, lesson([network.input, network.output]), name=f"taught_{network.name}")


class _Lesson(keras.layers.Layer):
    """Passes a network's answers on as they are; what differs from its teachers' answers costs."""

    def __init__(self, teachers: Sequence[keras.Model], share: float, name: str) -> None:
        super().__init__(name=name)
        self._teachers, self._share = list(teachers), share
        for teacher in self._teachers:
            teacher.trainable = False

    def call(self, inputs: Sequence[Any]) -> Any:
        """Takes pixels and answers, gives the answers."""
        pixels, answers = inputs
        # Said outright: else dropout would be on, and the teachers would guess.
        taught = sum(teacher(pixels, training=False) for teacher in self._teachers) / len(self._teachers)
        cost = keras.ops.mean(keras.losses.categorical_crossentropy(taught, answers))
        self.add_loss(self._share * cost)
        return answers

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Gives the shape of the answers."""
        return input_shape[1]
