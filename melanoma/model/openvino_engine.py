"""Runs a portable network with OpenVINO (the door to openvino)."""

import functools
import threading

import numpy as np
import openvino

from melanoma.errors import BundleError
from melanoma.images.pixels import Pixels
from melanoma.machine import threads_here
from melanoma.model.engine_names import F32
from melanoma.model.one_by_one import OneByOneEngine, Outputs, cannot_run

_RELEASE = openvino.__version__.split("-")[0]
_FIRST_USE = threading.Lock()


@functools.cache
def _core() -> openvino.Core:
    """Returns the one core of this process.

    The thread that first uses a core of OpenVINO 2026.4 handles signals on a stack that is freed with the core. After
    that, the next signal would crash the process.
    """
    return openvino.Core()


def computes_in(precision: str) -> bool:
    """Tells whether the processor of this machine computes in one of `PRECISIONS`."""
    return precision == F32 or precision.upper() in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def engine_of(portable: bytes, where: str, batch_size: int, precision: str = F32) -> OneByOneEngine:
    """Loads a portable network that has passed the static scan.

    Args:
        portable: Bytes of a `model.onnx`.
        where: Name for errors.
        batch_size: The most photographs in a batch.
        precision: One of `PRECISIONS`.

    Raises:
        BundleError: OpenVINO cannot run it, or the processor does not compute in this precision.
    """
    threads, core = threads_here(), _core()
    if not computes_in(precision):
        raise BundleError(
            f"{where}: the processor of this machine does not compute in {precision}; use one with avx512_bf16 or "
            "amx_bf16, or a bundle for f32, such as the one that a bundle for bf16 was made from"
        )
    try:
        model = core.read_model(portable)
        shape = model.input().partial_shape
        shape[0] = 1
        model.reshape(shape)
        # By default it would compute in bf16 wherever the processor can.
        hints = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        compiled = core.compile_model(model, "CPU", hints)
    except Exception as error:  # the library raises RuntimeError for whatever it does not like
        raise cannot_run(where, f"OpenVINO {_RELEASE}", error) from error
    height, width = shape[1].get_length(), shape[2].get_length()
    requests = threading.local()  # a request serves one thread at a time

    def run(pixels: Pixels) -> Outputs:
        if not hasattr(requests, "own"):
            requests.own = compiled.create_infer_request()
        found = requests.own.infer([pixels])
        return [np.array(found[output]) for output in compiled.outputs]

    # OpenVINO 2026.4 hangs if two threads use it for the first time at once: each waits for the other in its bindings.
    with _FIRST_USE:
        run(np.zeros((1, height, width, 3), np.uint8))
    return OneByOneEngine(run, f"openvino-{_RELEASE}-{precision}", batch_size, threads)
