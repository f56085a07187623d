"""The network at work: loaded by Keras, frozen to one fixed batch shape, checked against its golden phantoms."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from melanoma import images
from melanoma.bundle import Bundle, Scaling
from melanoma.description import ENGINE
from melanoma.errors import BundleError, MelanomaError

ENGINE_VERSION = f"{ENGINE}-{tf.__version__}+keras-{keras.__version__}"
GOLDEN_TOLERANCE = 1e-4


class Engine:
    """A frozen network that scores batches of one fixed shape.

    Short batches are padded, so that a photograph's probabilities depend neither on its neighbours nor on how many
    there are. One object serves one process; TensorFlow itself uses all cores for a batch.
    """

    def __init__(
        self,
        network: keras.Model,
        size: tuple[int, int],
        batch_size: int,
        scaling: Scaling | None = None,
        temperature: float = 1.0,
    ) -> None:
        """Freezes `network`.

        Args:
            network: Keras model from (n, height, width, 3) to (n, labels) softmax or (n, 1) sigmoid.
            size: Height and width of its input, pixels.
            batch_size: Photographs in a batch, at least 1.
            scaling: What happens to pixel values before the network; None for nothing.
            temperature: Divides the logits, above 0.
        """
        self.size, self.batch_size = size, batch_size
        scaling = scaling or Scaling()

        def forward(pixels: tf.Tensor) -> tf.Tensor:
            scaled = tf.cast(pixels, tf.float32)
            if scaling != Scaling():
                scaled = (scaled * scaling.scale + scaling.offset - scaling.mean) / scaling.std
            return _tempered(_as_classes(network(scaled, training=False)), temperature)

        signature = [tf.TensorSpec((batch_size, *size, 3), tf.uint8)]
        concrete = tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()
        frozen = convert_variables_to_constants_v2(concrete)
        # Called by itself, a frozen function spells its input out for an error text before every batch.
        self._frozen: Any = tf.function(lambda pixels: frozen(pixels)[0], input_signature=signature, autograph=False)

    def probabilities(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Scores up to `batch_size` photographs.

        Args:
            pixels: uint8 (n, height, width, 3), n from 1 to `batch_size`.

        Returns:
            float32 (n, labels), as the network gives them: a broken network may give NaN.
        """
        count = len(pixels)
        if count < self.batch_size:
            padded = np.zeros((self.batch_size, *self.size, 3), np.uint8)
            padded[:count] = pixels
            pixels = padded
        result: npt.NDArray[np.float32] = self._frozen(tf.constant(pixels)).numpy()
        return result[:count]


def _as_classes(output: tf.Tensor) -> tf.Tensor:
    output = tf.cast(output, tf.float32)
    return tf.concat([1 - output, output], axis=1) if output.shape[-1] == 1 else output


def _tempered(probabilities: tf.Tensor, temperature: float) -> tf.Tensor:
    if temperature == 1.0:
        return probabilities
    # The softmax alone would make a distribution of anything: what sums to 2 still does, what is negative is NaN.
    total = tf.reduce_sum(probabilities, axis=1, keepdims=True)
    return total * tf.nn.softmax(tf.math.log(probabilities) / temperature)


def load_engine(bundle: Bundle, batch_size: int) -> Engine:
    """Loads a bundle's network and lets it prove itself on the golden phantoms.

    Raises:
        BundleError: Keras cannot load the network, its shapes do not fit the description, or a golden phantom
            comes out otherwise than when the bundle was written.
    """
    size = bundle.spec.height, bundle.spec.width
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    check_shapes(network, size, bundle.labels, bundle.uri)
    with one_clear_error(bundle.uri):
        engine = Engine(network, size, batch_size, bundle.scaling, bundle.temperature)
        _check_golden(bundle, engine)
    return engine


def load_network(path: Path, where: str) -> keras.Model:
    """Loads a network file that the static scan has passed.

    Raises:
        BundleError: Keras cannot.
    """
    with one_clear_error(where):
        return keras.saving.load_model(path, compile=False, safe_mode=True)


@contextlib.contextmanager
def one_clear_error(where: str) -> Iterator[None]:
    """Makes a `BundleError` of whatever Keras, its layers, TensorFlow or the decoder raise."""
    try:
        yield
    except MelanomaError:
        raise
    except Exception as error:
        first = (str(error).splitlines() or [""])[0][:200]
        raise BundleError(
            f"{where}: Keras {keras.__version__} cannot run the network ({type(error).__name__}: {first}); "
            "export it again with this version"
        ) from error


def check_shapes(network: Any, size: tuple[int, int], labels: Sequence[str], where: str) -> None:
    """Checks that a network takes photographs of `size` and gives one probability a label.

    Raises:
        BundleError: It does not.
    """
    found_input, found_output = network.input_shape, network.output_shape
    if not isinstance(found_input, tuple) or len(found_input) != 4 or found_input[3] != 3:
        raise BundleError(f"{where}: the network takes {found_input}, expected one input (n, height, width, 3)")
    if any(found not in (None, wanted) for found, wanted in zip(found_input[1:3], size, strict=True)):
        raise BundleError(f"{where}: the network takes {found_input[1:3]} pixels, the description says {size}")
    classes = found_output[-1] if isinstance(found_output, tuple) and len(found_output) == 2 else None
    if classes != len(labels) and not (classes == 1 and len(labels) == 2):
        raise BundleError(f"{where}: the network gives {found_output}, the description lists {len(labels)} labels")


def decode_golden(bundle_files: Sequence[bytes], spec: images.ImageSpec) -> npt.NDArray[np.uint8]:
    """Decodes phantoms into one array, uint8 (n, height, width, 3)."""
    return np.stack([images.decode(data, spec) for data in bundle_files])


def tensor_sha256(pixels: npt.NDArray[np.uint8]) -> str:
    """Digests one decoded tensor, in hex."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def score_all(engine: Engine, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Scores any number of photographs batch by batch, float32 (n, labels)."""
    steps = range(0, len(pixels), engine.batch_size)
    return np.concatenate([engine.probabilities(pixels[start : start + engine.batch_size]) for start in steps])


def _check_golden(bundle: Bundle, engine: Engine) -> None:
    pixels = decode_golden([bundle.files[golden.file] for golden in bundle.golden], bundle.spec)
    for golden, tensor in zip(bundle.golden, pixels, strict=True):
        if tensor_sha256(tensor) != golden.tensor_sha256:
            raise BundleError(
                f"{bundle.uri}: {golden.file} decodes otherwise than when the bundle was written "
                f"(decoder here: {images.DECODER}); install the locked versions"
            )
    for golden, found in zip(bundle.golden, score_all(engine, pixels), strict=True):
        for slug, probability in zip(bundle.slugs, found, strict=True):
            if not abs(float(probability) - golden.probabilities[slug]) <= GOLDEN_TOLERANCE:
                raise BundleError(
                    f"{bundle.uri}: {golden.file} gives p_{slug} {probability:.4f}, the bundle says "
                    f"{golden.probabilities[slug]:.4f}; labels, network and description do not belong together"
                )
