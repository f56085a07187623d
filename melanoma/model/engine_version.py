"""The version of an engine that is installed, without loading it: TensorFlow takes seconds."""

import importlib
from importlib.metadata import PackageNotFoundError, version

from melanoma.model.engine_names import ONNX_RUNTIME, TENSORFLOW, library_of, precision_of

_PACKAGES = {ONNX_RUNTIME: (ONNX_RUNTIME, "onnxruntime-gpu"), TENSORFLOW: (TENSORFLOW, "tensorflow-cpu")}


def installed_version(engine: str) -> str:
    """Returns what the `version` of an installed engine begins with; a device other than the processor follows it.

    Args:
        engine: One of `ENGINES`.
    """
    release = _release(library_of(engine))
    return (
        f"{engine}-{release}+keras-{_release('keras')}"
        if engine == TENSORFLOW
        else (f"{library_of(engine)}-{release}-{precision_of(engine)}")
    )


def _release(library: str) -> str:
    for package in _PACKAGES.get(library, (library,)):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    found: str = importlib.import_module(library).__version__  # a build of somebody's own, under a name of its own
    return found.split("-")[0]
