"""Runs a portable network with ONNX Runtime (the door to onnxruntime)."""

import onnxruntime

from melanoma.images.pixels import Pixels
from melanoma.machine import threads_here
from melanoma.model.one_by_one import OneByOneEngine, Outputs, cannot_run
from melanoma.model.portable.contract import PIXELS

ENGINE_VERSION = f"onnxruntime-{onnxruntime.__version__}-f32"
_ERRORS_ONLY = 3


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
        raise cannot_run(where, f"ONNX Runtime {onnxruntime.__version__}", error) from error

    def run(pixels: Pixels) -> Outputs:
        return list(session.run(None, {PIXELS: pixels}))

    return OneByOneEngine(run, ENGINE_VERSION, batch_size, threads_here())
