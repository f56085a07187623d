"""Writes the portable form of a network, and proves that every installed engine computes the same from it."""

from importlib.metadata import version

import keras
import numpy as np

from melanoma.errors import BundleError
from melanoma.images.decoding import ImageSpec
from melanoma.images.pixels import Pixels
from melanoma.model import golden
from melanoma.model.bundle import Bundle, check_free, load_bundle
from melanoma.model.bundle_parts import write_parts
from melanoma.model.decision import ModelOutput
from melanoma.model.description import NETWORK, PORTABLE, source_of
from melanoma.model.engine import portable_engines, score_all
from melanoma.model.portable.conversion import converted
from melanoma.model.preprocessing import Scaling
from melanoma.model.tensorflow_engine import TensorFlowEngine, load_network, one_clear_error

TOLERANCE = 1e-5  # of a probability or score, between two engines in the same precision
_NOISE, _SEED, _BATCH = 8, 0, 32
_CONVERTER = "converter"  # entry of `versions`


def portable_form(network: keras.Model, spec: ImageSpec, scaling: Scaling, temperature: float, source: str) -> bytes:
    """Returns the bytes of `model.onnx` for a Keras network, after comparing the engines on pictures.

    Args:
        network: Keras model, as `TensorFlowEngine` takes it.
        spec: Size and crop that the decoder delivers.
        scaling: What happens to pixel values before the network.
        temperature: Divides the logits, above 0.
        source: Digest of all this, see `description.source_of`.

    Raises:
        BundleError: The network cannot be converted, or an engine differs from TensorFlow by more than `TOLERANCE`.
    """
    size = spec.height, spec.width
    data, pixels = converted(network, size, scaling, temperature, source), _pictures(spec)
    with one_clear_error("the network"):
        expected = score_all(TensorFlowEngine(network, size, _BATCH, scaling, temperature), pixels)
    for engine in portable_engines(data, PORTABLE, _BATCH):
        if not (difference := largest_difference(expected, score_all(engine, pixels))) <= TOLERANCE:
            raise BundleError(
                f"{engine.version} differs from TensorFlow by {difference:.2g}, expected at most {TOLERANCE:g}; score "
                "this network with --engine tensorflow"
            )
    return data


def _pictures(spec: ImageSpec) -> Pixels:
    """Returns drawn photographs and noise, uint8 (n, height, width, 3)."""
    drawn = golden.decode(list(golden.draw_samples().values()), spec)
    noise = np.random.default_rng(_SEED).integers(0, 256, (_NOISE, *drawn.shape[1:]), np.uint8)
    return np.concatenate([drawn, noise])


def largest_difference(first: ModelOutput, second: ModelOutput) -> float:
    """Returns the largest difference of two engines' outputs; infinite where one is NaN or an output is missing."""
    if (first.ood is None) != (second.ood is None):
        return float("inf")
    differences = [np.abs(first.probabilities - second.probabilities).max()]
    if first.ood is not None and second.ood is not None:
        differences.append(np.abs(first.ood - second.ood).max())
    return float(np.nan_to_num(differences, nan=np.inf).max())


def convert_bundle(place: str, uri: str) -> Bundle:
    """Writes a copy of a bundle that has the portable form too; its model is the same.

    Args:
        place: Folder or name of a bundle with a Keras network.
        uri: Folder of the new bundle.

    Returns:
        The new bundle as loaded from `uri`.

    Raises:
        BundleError: The bundle cannot be loaded or converted, or an engine differs by more than `TOLERANCE`.
    """
    bundle = load_bundle(place)
    if bundle.facts is None:
        raise BundleError(f"{bundle.uri}: its network comes from an ONNX file; there is nothing to convert")
    check_free(uri)
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    source = source_of(bundle.description, bundle.description["files"][NETWORK])
    try:
        data = portable_form(network, bundle.spec, bundle.scaling, bundle.temperature, source)
    except BundleError as error:
        raise BundleError(f"{bundle.uri}: {error}") from error.__cause__
    versions = {**bundle.description["versions"], _CONVERTER: f"tf2onnx-{version('tf2onnx')}"}
    return write_parts(uri, {**bundle.description, "versions": versions}, {**bundle.files, PORTABLE: data})
