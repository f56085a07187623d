"""Engines: what runs the network of a bundle, which one a run takes, and the proof that it computes what it should."""

import contextlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence

import numpy as np

from melanoma.errors import BundleError, UsageError
from melanoma.extras import MODULES, install_command
from melanoma.images.pixels import Pixels
from melanoma.imports import native_silence, without_collections
from melanoma.model import golden
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_contents import ModelSettings
from melanoma.model.decision import ModelOutput
from melanoma.model.description import NETWORK, PORTABLE
from melanoma.model.engine_interface import Engine
from melanoma.model.engine_names import (
    AUTO,
    ENGINES,
    F32,
    ONNX_RUNTIME,
    OPENVINO,
    OPENVINO_BF16,
    TENSORFLOW,
    library_of,
    precision_of,
)
from melanoma.model.view_averaging import with_views

_NEEDS = {ONNX_RUNTIME: PORTABLE, OPENVINO: PORTABLE, OPENVINO_BF16: PORTABLE, TENSORFLOW: NETWORK}  # file of a bundle
_PORTABLE = [name for name in ENGINES if _NEEDS[name] == PORTABLE]


EngineMaker = Callable[[ModelSettings, int], Engine]  # with the scaling of these settings, for such a batch size


def usable_engines(bundle: Bundle, choice: str = AUTO) -> list[str]:
    """Returns the engines with which a bundle may be scored, the fastest first; loads none of them.

    Args:
        bundle: The bundle.
        choice: One of `ENGINES`, or `AUTO` for every one that is installed, computes in the precision of the bundle
            and has a file in it.

    Raises:
        UsageError: The chosen engine is not installed, or computes in another precision than the bundle is made for.
        BundleError: The bundle has no file for the chosen engine, or for none that is installed.
    """
    fitting = [name for name in ENGINES if precision_of(name) == bundle.precision]
    if choice != AUTO:
        if not _is_installed(choice):
            raise UsageError(f"--engine {choice} is not installed; {_installing(choice)}")
        if choice not in fitting:
            raise UsageError(
                f"--engine {choice} computes in {precision_of(choice)}, and {bundle.uri} is made for "
                f"{bundle.precision}; choose {' or '.join(fitting)}, or make another bundle with melanoma bundle "
                "recalibrate --precision"
            )
        if _NEEDS[choice] not in bundle.files:
            raise BundleError(
                f"{bundle.uri}: has no {_NEEDS[choice]}, which --engine {choice} needs; {_remedy(choice)}"
            )
        return [choice]
    if not (found := [name for name in fitting if _NEEDS[name] in bundle.files and _is_installed(name)]):
        raise BundleError(
            f"{bundle.uri}: none of the engines that could run it is installed; {_installing(fitting[0])}"
        )
    return found


def _installing(name: str) -> str:
    library = library_of(name)
    return (
        f"run: {install_command(library)}" if library in MODULES else "install melanoma again, with what it depends on"
    )


def _remedy(choice: str) -> str:
    if choice == TENSORFLOW:
        return f"choose --engine {ONNX_RUNTIME}"
    return f"make it with melanoma bundle convert, or choose --engine {TENSORFLOW}"


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(library_of(name)) is not None


def load_engine(bundle: Bundle, batch_size: int, choice: str = AUTO) -> Engine:
    """Loads the network of a bundle and checks it on the golden samples.

    Args:
        bundle: The bundle.
        batch_size: The most photographs in a batch, at least 1.
        choice: One of `ENGINES`; `AUTO` takes the fastest that passes.

    Raises:
        UsageError: The chosen engine is not installed.
        BundleError: No engine can be imported and load the network, its shapes do not match the description, or a
            golden sample does not score as it did when the bundle was written.
    """
    names, pixels = usable_engines(bundle, choice), golden.check_decoder(bundle)
    for name in names[:-1]:
        try:
            return _proved(bundle, name, batch_size, pixels)
        except BundleError as error:
            logging.getLogger(__name__).warning("%s; another engine is tried", error)
    return _proved(bundle, names[-1], batch_size, pixels)


def load_engine_in(precision: str, bundle: Bundle, batch_size: int) -> Engine:
    """Loads the network of a bundle in a precision for which the bundle need not be made, to measure what it would do.

    Args:
        precision: One of `PRECISIONS`.
        bundle: The bundle.
        batch_size: The most photographs in a batch, at least 1.

    Raises:
        UsageError: No engine of this precision is installed.
        BundleError: The bundle has no portable form, or an engine cannot run it.
    """
    if precision == bundle.precision:
        return load_engine(bundle, batch_size)
    if PORTABLE not in bundle.files:
        raise BundleError(f"{bundle.uri}: has no {PORTABLE}, which {precision} needs; {_remedy(ONNX_RUNTIME)}")
    return portable_engine(bundle.files[PORTABLE], bundle.uri, batch_size, precision)


def _proved(bundle: Bundle, name: str, batch_size: int, pixels: Pixels) -> Engine:
    """Loads one engine, and has it reproduce the golden samples."""
    try:
        engine = with_views(_load(bundle, name, batch_size), bundle.views)
    except ImportError as error:  # a library of the system that is missing, for instance
        raise BundleError(
            f"{bundle.uri}: the engine {name} is installed, but cannot be imported ({type(error).__name__}); install "
            "it and what it depends on again, or choose another --engine"
        ) from error
    golden.check_scores(bundle, score_all(engine, pixels))
    return engine


def _load(bundle: Bundle, name: str, batch_size: int) -> Engine:
    """Loads one engine, whose library is imported only here: TensorFlow takes seconds."""
    if name in _PORTABLE:
        return _portable_engine(name, bundle.files[PORTABLE], bundle.uri, batch_size)
    return _load_tensorflow(bundle, batch_size)


def portable_engines(portable: bytes, where: str, batch_size: int) -> list[Engine]:
    """Loads a portable network into every installed engine of f32 that takes one, to compare them.

    Args:
        portable: Bytes of a `model.onnx` that has passed the static scan.
        where: Name for errors.
        batch_size: The most photographs in a batch.

    Raises:
        BundleError: An engine cannot run it.
    """
    return [_portable_engine(name, portable, where, batch_size) for name in _installed(F32)]


def portable_engine(portable: bytes, where: str, batch_size: int, precision: str) -> Engine:
    """Loads a portable network into the fastest installed engine of a precision.

    Args:
        portable: Bytes of a `model.onnx` that has passed the static scan.
        where: Name for errors.
        batch_size: The most photographs in a batch.
        precision: One of `PRECISIONS`.

    Raises:
        UsageError: No engine of this precision is installed.
        BundleError: The engine cannot run it.
    """
    if not (names := _installed(precision)):
        name = next(name for name in ENGINES if precision_of(name) == precision)
        raise UsageError(f"{precision} needs an engine that is not installed; {_installing(name)}")
    return _portable_engine(names[0], portable, where, batch_size)


def _installed(precision: str) -> list[str]:
    """Returns the installed engines of a precision that take a portable network, the fastest first."""
    return [name for name in _PORTABLE if precision_of(name) == precision and _is_installed(name)]


def _portable_engine(name: str, portable: bytes, where: str, batch_size: int) -> Engine:
    if name == ONNX_RUNTIME:
        from melanoma.model import onnxruntime_engine

        return onnxruntime_engine.engine_of(portable, where, batch_size)
    from melanoma.model import openvino_engine

    return openvino_engine.engine_of(portable, where, batch_size, precision_of(name))


def _load_tensorflow(bundle: Bundle, batch_size: int) -> Engine:
    with contextlib.ExitStack() as importing:
        if TENSORFLOW not in sys.modules:
            importing.enter_context(native_silence())  # it greets at length
            importing.enter_context(without_collections())
        from melanoma.model import tensorflow_engine

    return tensorflow_engine.load(bundle, batch_size)


def score_all(engine: Engine, pixels: Pixels) -> ModelOutput:
    """Scores any number of photographs, at least one, batch by batch."""
    steps = range(0, len(pixels), engine.batch_size)
    return joined([engine.score(pixels[start : start + engine.batch_size]) for start in steps])


def joined(parts: Sequence[ModelOutput]) -> ModelOutput:
    """Returns the outputs of several batches, at least one, as those of one."""
    ood = [part.ood for part in parts if part.ood is not None]
    return ModelOutput(np.concatenate([part.probabilities for part in parts]), np.concatenate(ood) if ood else None)
