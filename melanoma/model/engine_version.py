"""The version of an engine that is installed, without loading it: TensorFlow takes seconds."""

import contextlib
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from melanoma.errors import UsageError
from melanoma.model.engine_names import ONNX_RUNTIME, TENSORFLOW, library_of, precision_of

_PACKAGES = {ONNX_RUNTIME: (ONNX_RUNTIME, "onnxruntime-gpu"), TENSORFLOW: (TENSORFLOW, "tensorflow-cpu")}


def installed_version(engine: str) -> str:
    """Returns what the `version` of an installed engine begins with; a device other than the processor follows it.

    Args:
        engine: One of `ENGINES`, and installed.

    Raises:
        UsageError: Its library is not installed as a package.
    """
    library = library_of(engine)
    detail = f"+keras-{_release('keras')}" if engine == TENSORFLOW else f"-{precision_of(engine)}"
    return f"{library}-{_release(library)}{detail}"


def _release(library: str) -> str:
    for package in _PACKAGES.get(library, (library,)):
        with contextlib.suppress(PackageNotFoundError):
            return version(package)
    if not (packages := packages_distributions().get(library)):  # looks at every package, so it comes second
        raise UsageError(f"{library} states no version, so nothing could be resumed; install it as a package")
    return version(packages[0])
