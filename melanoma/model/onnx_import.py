"""Turns an ONNX file from elsewhere, such as PyTorch exports, into a bundle that no Keras is needed for."""

import hashlib
from collections.abc import Callable

from melanoma.errors import BundleError
from melanoma.model.bundle import Bundle, check_free
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_parts import described, golden_samples, write_proved, written
from melanoma.model.description import ONNX, PORTABLE, source_of
from melanoma.model.engine import EngineMaker, portable_engine, portable_engines
from melanoma.model.engine_interface import Engine
from melanoma.model.engine_names import F32
from melanoma.model.portable.contract import scan_portable
from melanoma.model.portable.foreign import OnnxNetwork
from melanoma.model.portable.wrapping import wrapped

_BATCH = 32
Check = Callable[[EngineMaker, ModelSettings], object]


def import_onnx(
    network: OnnxNetwork, name: str, uri: str, settings: ModelSettings, licence: str, check: Check | None = None
) -> Bundle:
    """Writes a bundle around an ONNX file, which has to pass the same static scan as any other network.

    Args:
        network: The file, and what its numbers mean.
        name: Name of the file, for errors.
        uri: Folder of the new bundle.
        settings: Labels, image size and scaling that the network was trained with, and its decision rule.
        licence: Terms of the data that the network was trained on.
        check: Called with a maker of engines before anything is written; what it raises ends the import.

    Returns:
        The bundle as loaded from `uri`.

    Raises:
        BundleError: The file is unsafe, does not fit the settings, or its answers are not probabilities.
    """
    check_free(uri)
    documents = BundleDocuments(card=_card(network, settings), licence=licence)
    stated = described(settings, documents)
    try:
        portable = wrapped(network, settings.scaling, source_of(stated, None))
        if (found := scan_portable(portable).num_classes) != len(settings.labels):
            raise BundleError(
                f"it returns {found} probabilities, expected one for each of the labels {', '.join(settings.labels)}; "
                "name one label for each output, in their order (for a single output one or two)"
            )
        engine, *_ = portable_engines(portable, "the network", _BATCH)
        if check is not None:
            check(engine_maker(network), settings)
        samples = golden_samples(engine, settings)
    except BundleError as error:
        raise BundleError(f"{name}: {error}") from error.__cause__
    return write_proved(uri, {**stated, "engine": ONNX}, {PORTABLE: portable, **written(documents)}, samples)


def engine_maker(network: OnnxNetwork) -> EngineMaker:
    """Returns what makes engines of an ONNX file for other scalings, to find out why answers differ."""

    def make(settings: ModelSettings, batch_size: int) -> Engine:
        return portable_engine(wrapped(network, settings.scaling, ""), "the network", batch_size, F32)

    return make


def _card(network: OnnxNetwork, settings: ModelSettings) -> str:
    digest = hashlib.sha256(network.data).hexdigest()
    return (
        f"# Imported model\n\nImported from an ONNX file with sha256 `{digest}` (outputs: {network.outputs}, channels: "
        f"{network.channels}); labels {', '.join(settings.labels)}. Its training and its accuracy are unknown here. It "
        "is not a medical device and does not diagnose anybody.\n"
    )
