"""A photograph on which the network raises is alone on its row."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from melanoma.images.pixels import Pixels
from melanoma.model.isolation import score_isolated
from melanoma.model.tensorflow_engine import TensorFlowEngine

SIDE = 4


class RaisesAbove(keras.layers.Layer):  # type: ignore[misc]
    """Looks up a table beyond its end for a batch that holds a picture brighter than a limit."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def call(self, pixels: tf.Tensor) -> tf.Tensor:
        means = tf.reduce_mean(pixels, [1, 2, 3]) / 255
        index = tf.where(means > self.limit, 10, 0)
        return tf.stack([means, 1 - means], axis=1) * tf.gather(tf.ones((1, 1)), index)


def engine(limit: float = 0.99) -> TensorFlowEngine:
    inputs = keras.Input((SIDE, SIDE, 3))
    return TensorFlowEngine(keras.Model(inputs, RaisesAbove(limit)(inputs)), (SIDE, SIDE), 8)


def pictures(levels: list[int]) -> Pixels:
    return np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in levels])


@pytest.mark.parametrize("levels", [[0, 51, 255], [255], [255, 102, 51], [51] * 7 + [255], [255, 51, 255, 102, 255]])
def test_neighbours_of_a_photograph_at_fault_are_scored(levels: list[int]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        engine().score(pictures(levels))
    output = score_isolated(engine(), pictures(levels))
    expected = [np.nan if level == 255 else level / 255 for level in levels]
    np.testing.assert_allclose(output.probabilities[:, 0], expected, rtol=1e-5)
    assert output.probabilities.shape == (len(levels), 2) and output.ood is None


def test_a_sound_batch_is_scored_as_without_isolation() -> None:
    levels = [0, 30, 90, 240]
    found, expected = score_isolated(engine(), pictures(levels)), engine().score(pictures(levels))
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_a_network_that_raises_on_anything_ends_the_run() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        score_isolated(engine(limit=-1), pictures([10, 20]))
