"""Runs a portable network with ONNX Runtime (the door to onnxruntime)."""

import onnxruntime

from melanoma.errors import BundleError
from melanoma.images.pixels import Pixels
from melanoma.machine import threads_here
from melanoma.model.bundle import Bundle
from melanoma.model.description import PORTABLE
from melanoma.model.one_by_one import OneByOneEngine, Outputs
from melanoma.model.portable.contract import PIXELS

ENGINE_VERSION = f"onnxruntime-{onnxruntime.__version__}-f32"
_ERRORS_ONLY = 3


def load(bundle: Bundle, batch_size: int) -> OneByOneEngine:
    """Loads the portable network of a bundle, see `engine_of`."""
    return engine_of(bundle.files[PORTABLE], bundle.uri, batch_size)


def engine_of(portable: bytes, where: str, batch_size: int) -> OneByOneEngine:
    """Loads a portable network that has passed the static scan.

    Args:
        portable: Bytes of a `model.onnx`.
        where: Name for errors.
        batch_size: The most photographs in a batch.

    Raises:
        BundleError: ONNX Runtime cannot run it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(portable, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises types of its own for whatever it does not like
        first = (str(error).splitlines() or [""])[0][:200]
        raise BundleError(
            f"{where}: ONNX Runtime {onnxruntime.__version__} cannot run {PORTABLE} ({type(error).__name__}: "
            f"{first}); choose another --engine"
        ) from error

    def run(pixels: Pixels) -> Outputs:
        return list(session.run(None, {PIXELS: pixels}))

    return OneByOneEngine(run, ENGINE_VERSION, batch_size, threads_here())
