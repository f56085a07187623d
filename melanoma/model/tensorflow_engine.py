"""Runs a network with TensorFlow: loaded by Keras, and frozen to one batch shape."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from melanoma.errors import BundleError, MelanomaError
from melanoma.images.pixels import Pixels
from melanoma.model import keras_settings
from melanoma.model.bundle import Bundle
from melanoma.model.decision import OOD_SCORE, ModelOutput
from melanoma.model.description import KERAS, OOD_ABOVE
from melanoma.model.device_engine import DeviceEngine
from melanoma.model.engine_interface import Engine
from melanoma.model.forward_pass import forward_pass, frozen
from melanoma.model.one_by_one import Outputs
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
        self._frozen = frozen(forward_pass(network, scaling, temperature), (batch_size, *size, 3))

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


def load(bundle: Bundle, batch_size: int) -> Engine:
    """Loads the Keras network of a bundle, on a GPU where TensorFlow sees one.

    Raises:
        BundleError: Keras cannot load the network, or its shapes do not match the description.
    """
    size, has_gpu = (bundle.spec.height, bundle.spec.width), _prepare_gpus()
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    check_shapes(network, size, bundle.labels, bundle.uri, bundle.thresholds)
    with one_clear_error(bundle.uri):
        if has_gpu:
            return on_device(forward_pass(network, bundle.scaling, bundle.temperature), size, batch_size)
        return TensorFlowEngine(network, size, batch_size, bundle.scaling, bundle.temperature)


def _prepare_gpus() -> bool:
    """Tells whether TensorFlow sees GPUs; it is to take no more of their memory than it needs, and to round as f32."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # it works already
            tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        tf.config.experimental.enable_tensor_float_32_execution(False)
    return bool(gpus)


def on_device(forward: Callable[[tf.Tensor], list[tf.Tensor]], size: tuple[int, int], batch_size: int) -> DeviceEngine:
    """Returns an engine that finds out how many photographs a device takes at a time.

    Args:
        forward: Everything that happens to a batch, see `forward_pass`.
        size: Height and width of a photograph in pixels.
        batch_size: The most photographs in a batch.
    """
    function = frozen(forward, (None, *size, 3))

    def run(pixels: Pixels) -> Outputs:
        return [output.numpy() for output in function(tf.constant(pixels))]

    def is_out_of_memory(error: Exception) -> bool:
        return isinstance(error, tf.errors.ResourceExhaustedError)

    return DeviceEngine(run, f"{ENGINE_VERSION}-gpu", batch_size, is_out_of_memory)


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
