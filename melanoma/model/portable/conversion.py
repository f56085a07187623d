"""Converts a Keras network, with all that happens before and behind it, to the portable form (the door to tf2onnx)."""

import importlib.util
import logging

import keras
import onnx
import tensorflow as tf
from onnx import TensorProto

from melanoma.errors import BundleError
from melanoma.extras import install_command
from melanoma.model.decision import OOD_SCORE
from melanoma.model.forward_pass import forward_pass
from melanoma.model.portable.canonical import canonical
from melanoma.model.portable.contract import PIXELS, PROBABILITIES, scan_portable
from melanoma.model.portable.scan import scan
from melanoma.model.preprocessing import Scaling
from melanoma.wording import first_line

OPSET = 17  # what tf2onnx writes without experimental parts, and every engine of the last years reads
_EXTRA = "train"


def missing_converter() -> str:
    """Returns the command that installs what a conversion needs; empty if it is installed."""
    return "" if importlib.util.find_spec("tf2onnx") else install_command(_EXTRA)


def converted(network: keras.Model, size: tuple[int, int], scaling: Scaling, temperature: float, source: str) -> bytes:
    """Returns the portable form of a network: uint8 pixels to probabilities, and its out-of-distribution score if any.

    Args:
        network: Keras model, as `TensorFlowEngine` takes it.
        size: Height and width of its input in pixels.
        scaling: What happens to pixel values before the network.
        temperature: Divides the logits, above 0.
        source: Digest of all this, see `description.source_of`.

    Returns:
        The bytes of `model.onnx`; the same network always has the same ones.

    Raises:
        BundleError: The network uses something that the portable form does not have.
    """
    import tf2onnx  # not at the top: an import of a model works without it

    signature = [tf.TensorSpec((None, *size, 3), tf.uint8, name=PIXELS)]
    forward = tf.function(forward_pass(network, scaling, temperature), input_signature=signature, autograph=False)
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    try:
        model, _ = tf2onnx.convert.from_function(forward, input_signature=signature, opset=OPSET)
        del model.opset_import[:]  # it also names domains that it does not use
        model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
        scanned = scan(model.SerializeToString())
    except Exception as error:
        first = first_line(error)
        raise BundleError(f"the network cannot be converted to ONNX ({type(error).__name__}: {first:.200})") from error
    names = dict(zip([result.name for result in scanned.results], (PROBABILITIES, OOD_SCORE), strict=False))
    pixels = onnx.helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, ["n", *size, 3])
    data = canonical(scanned.model, OPSET, [pixels], names, source)
    scan_portable(data)
    return data
