"""Runs a network with TensorFlow: loaded by Keras, and frozen to one batch shape."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from melanoma.errors import BundleError, MelanomaError
from melanoma.images.pixels import Pixels
from melanoma.model import keras_settings
from melanoma.model.bundle import Bundle
from melanoma.model.decision import OOD_SCORE, ModelOutput
from melanoma.model.description import KERAS, OOD_ABOVE
from melanoma.model.preprocessing import NO_SCALING, Scaling
from melanoma.wording import first_line

ENGINE_VERSION = f"{KERAS}-{tf.__version__}+keras-{keras.__version__}"


class TensorFlowEngine:
    """A frozen network that scores batches of one fixed shape.

    Short batches are padded, so that a photograph's scores depend neither on its neighbours nor on their number, except
    for the last bit: some processors round a convolution differently by the place in the batch. One engine per process
    is enough, because TensorFlow uses all cores for a batch.
    """

    def __init__(
        self,
        network: keras.Model,
        size: tuple[int, int],
        batch_size: int,
        scaling: Scaling = NO_SCALING,
        temperature: float = 1.0,
    ) -> None:
        """Freezes a network.

        Args:
            network: Keras model from (n, height, width, 3) to (n, labels) softmax or (n, 1) sigmoid, optionally with
                a second output `ood_score`, (n, 1).
            size: Height and width of its input in pixels.
            batch_size: Photographs per batch, at least 1.
            scaling: What happens to pixel values before the network.
            temperature: Divides the logits, above 0.
        """
        self.size, self.batch_size, self.version = size, batch_size, ENGINE_VERSION
        signature = [tf.TensorSpec((batch_size, *size, 3), tf.uint8)]
        forward = forward_pass(network, scaling, temperature)
        concrete = tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()
        frozen = convert_variables_to_constants_v2(concrete)
        # Called directly, a frozen function would format its input for an error message before every batch.
        self._frozen: Any = tf.function(lambda pixels: frozen(pixels), input_signature=signature, autograph=False)

    def score(self, pixels: Pixels) -> ModelOutput:
        """Scores up to `batch_size` photographs.

        Args:
            pixels: uint8 (n, height, width, 3), n from 1 to `batch_size`.

        Returns:
            The network's outputs, unchecked: a broken network may return NaN.
        """
        count = len(pixels)
        if count < self.batch_size:
            padded = np.zeros((self.batch_size, *self.size, 3), np.uint8)
            padded[:count] = pixels
            pixels = padded
        return ModelOutput(*(output.numpy()[:count] for output in self._frozen(tf.constant(pixels))))


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


def load(bundle: Bundle, batch_size: int) -> TensorFlowEngine:
    """Loads the Keras network of a bundle.

    Raises:
        BundleError: Keras cannot load the network, or its shapes do not match the description.
    """
    size = bundle.spec.height, bundle.spec.width
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    check_shapes(network, size, bundle.labels, bundle.uri, bundle.thresholds)
    with one_clear_error(bundle.uri):
        return TensorFlowEngine(network, size, batch_size, bundle.scaling, bundle.temperature)


def load_network(path: Path, where: str) -> keras.Model:
    """Loads a network file that has passed the static scan.

    Raises:
        BundleError: Keras cannot load it.
        UsageError: Keras was loaded with another backend than TensorFlow.
    """
    keras_settings.settle()
    with one_clear_error(where):
        return keras.saving.load_model(path, compile=False, safe_mode=True)


@contextlib.contextmanager
def one_clear_error(where: str) -> Iterator[None]:
    """Turns any exception of Keras, its layers, TensorFlow or the decoder into a one-line `BundleError`."""
    try:
        yield
    except MelanomaError:
        raise
    except Exception as error:
        raise BundleError(
            f"{where}: Keras {keras.__version__} cannot run the network ({type(error).__name__}: "
            f"{first_line(error):.200}); export it again with this version"
        ) from error


def check_shapes(
    network: Any, size: tuple[int, int], labels: Sequence[str], where: str, thresholds: Collection[str] = ()
) -> None:
    """Checks the shapes of a network against the description of its bundle.

    Args:
        network: Keras model.
        size: Height and width that the description states, pixels.
        labels: Labels that the description states.
        where: Name for errors.
        thresholds: Names of the thresholds that the description states.

    Raises:
        BundleError: The network takes other photographs, has another number of classes, or lacks the output that a
            threshold needs.
    """
    found_input, found_output = network.input_shape, network.output_shape
    if not isinstance(found_input, tuple) or len(found_input) != 4 or found_input[3] != 3:
        raise BundleError(f"{where}: the network takes {found_input}, expected one input (n, height, width, 3)")
    if any(found not in (None, wanted) for found, wanted in zip(found_input[1:3], size, strict=True)):
        raise BundleError(f"{where}: the network takes {found_input[1:3]} pixels, the description says {size}")
    classes, *more = found_output if isinstance(found_output, list) else [found_output]
    count = classes[-1] if isinstance(classes, tuple) and len(classes) == 2 else None
    if count != len(labels) and not (count == 1 and len(labels) == 2):
        raise BundleError(f"{where}: the network returns {found_output}, the description lists {len(labels)} labels")
    if more and (more != [(None, 1)] or network.output_names[1] != OOD_SCORE):
        raise BundleError(
            f"{where}: besides probabilities the network returns {network.output_names[1:]} {more}, expected "
            f"nothing or one {OOD_SCORE} (n, 1)"
        )
    if OOD_ABOVE in thresholds and not more:
        raise BundleError(f"{where}: a threshold {OOD_ABOVE}, but the network has no {OOD_SCORE}; remove it")
