"""Runs a portable network with ONNX Runtime, on a GPU where there is one (the door to onnxruntime)."""

from collections.abc import Callable
from typing import Any

import onnxruntime

from melanoma.images.pixels import Pixels
from melanoma.machine import threads_here
from melanoma.model.device_engine import DeviceEngine
from melanoma.model.engine_interface import Engine
from melanoma.model.one_by_one import OneByOneEngine, Outputs, cannot_run
from melanoma.model.portable.contract import PIXELS

ENGINE_VERSION = f"onnxruntime-{onnxruntime.__version__}-f32"
_ERRORS_ONLY = 3
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
# TF32 would round to 10 bits; a search for the fastest convolution would be repeated for each number of photographs.
_CUDA_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
_NO_MEMORY = ("failed to allocate memory", "available memory of", "out of memory", "alloc_failed")


def engine_of(portable: bytes, where: str, batch_size: int) -> Engine:
    """Loads a portable network that has passed the static scan.

    A GPU is used where `onnxruntime-gpu` is installed and finds one; without its drivers the processor is.

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
        session = onnxruntime.InferenceSession(portable, options, providers=_providers())
    except Exception as error:  # the library raises types of its own for whatever it does not like
        raise cannot_run(where, f"ONNX Runtime {onnxruntime.__version__}", error) from error

    if _CUDA in session.get_providers():
        return on_device(session, batch_size)
    return OneByOneEngine(_running(session), ENGINE_VERSION, batch_size, threads_here())


def on_device(session: Any, batch_size: int) -> DeviceEngine:
    """Returns an engine that finds out how many photographs a device takes at a time.

    Args:
        session: Of ONNX Runtime, on a device.
        batch_size: The most photographs in a batch.
    """
    return DeviceEngine(_running(session), f"{ENGINE_VERSION}-cuda", batch_size, _is_out_of_memory)


def _running(session: Any) -> Callable[[Pixels], Outputs]:
    return lambda pixels: list(session.run(None, {PIXELS: pixels}))


def _providers() -> list[Any]:
    """Returns where a network is to be computed, the fastest first."""
    return [(_CUDA, _CUDA_OPTIONS), _CPU] if _CUDA in onnxruntime.get_available_providers() else [_CPU]


def _is_out_of_memory(error: Exception) -> bool:
    """Tells whether an error says that the memory of the device does not suffice: the library has no type for it."""
    return any(words in str(error).lower() for words in _NO_MEMORY)
