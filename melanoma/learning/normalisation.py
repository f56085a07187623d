"""Batch normalisation as TensorFlow fuses it: spelt out as in Keras, a step on a CPU takes 1.6 times as long."""

from typing import Any

import keras


class _FusedBatchNormalization(keras.layers.BatchNormalization):
    """The same layer with the same weights; under any backend but TensorFlow it is Keras's own."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not training or not self.trainable or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        answer = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        for moving, batch in ((self.moving_mean, answer.batch_mean), (self.moving_variance, answer.batch_variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return answer.y


def with_fused_normalisation(network: keras.Model) -> keras.Model:
    """Copies a network for training.

    Args:
        network: Of plain layers; stays as it is, and is what ships.

    Returns:
        A network with the same weights in the same order, whose steps are faster under TensorFlow.
    """

    def clone(layer: keras.Layer) -> keras.Layer:
        is_plain = type(layer) is keras.layers.BatchNormalization
        kind = _FusedBatchNormalization if is_plain else type(layer)
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy
