"""Everything that happens to a batch in TensorFlow: scaling, network and temperature, with the weights as constants."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from melanoma.model.preprocessing import NO_SCALING, Scaling


def frozen(forward: Callable[[tf.Tensor], list[tf.Tensor]], shape: tuple[int | None, ...]) -> Any:
    """Returns a function with its weights as constants.

    Args:
        forward: The function, see `forward_pass`.
        shape: Of its uint8 argument; None for any number of photographs.
    """
    signature = [tf.TensorSpec(shape, tf.uint8)]
    concrete = tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()
    constant = convert_variables_to_constants_v2(concrete)
    # Called directly, it would format its input for an error message before every batch.
    return tf.function(lambda pixels: constant(pixels), input_signature=signature, autograph=False)


def forward_pass(network: keras.Model, scaling: Scaling, temperature: float) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Returns everything that happens to a batch: scaling, network and temperature.

    Args:
        network: As `TensorFlowEngine` takes it.
        scaling: What happens to pixel values before the network.
        temperature: Divides the logits, above 0.
    """

    def forward(pixels: tf.Tensor) -> list[tf.Tensor]:
        """Scales the pixels, runs the network, and applies the temperature."""
        scaled = tf.cast(pixels, tf.float32)
        if scaling != NO_SCALING:
            scaled = (scaled * scaling.scale + scaling.offset - scaling.mean) / scaling.std
        outputs = network(scaled, training=False)
        classes, *ood = outputs if isinstance(outputs, list) else [outputs]
        return [_tempered(_as_classes(classes), temperature), *(tf.cast(score[:, 0], tf.float32) for score in ood)]

    return forward


def _as_classes(output: tf.Tensor) -> tf.Tensor:
    """Returns one probability per class; a single sigmoid output is the second of two classes."""
    output = tf.cast(output, tf.float32)
    return tf.concat([1 - output, output], axis=1) if output.shape[-1] == 1 else output


def _tempered(probabilities: tf.Tensor, temperature: float) -> tf.Tensor:
    """Divides the logits of probabilities by a temperature."""
    if temperature == 1.0:
        return probabilities
    # The softmax alone would turn anything into a distribution. This way a sum of 2 stays 2, and negatives become NaN.
    total = tf.reduce_sum(probabilities, axis=1, keepdims=True)
    return total * tf.nn.softmax(tf.math.log(probabilities) / temperature)
