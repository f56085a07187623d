"""Turns a `.keras` file from elsewhere into a bundle."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

from melanoma.errors import BundleError
from melanoma.model.bundle import Bundle, check_free
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import NETWORK
from melanoma.model.model_file import is_onnx, read_model
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import scan_network
from melanoma.model.tensorflow_engine import load_network
from melanoma.storage.temporary import temporary_folder

Check = Callable[[keras.Model, ModelSettings], object]
_PROBABILITIES = ("", "sigmoid", "hard_sigmoid")  # activations of one output; empty: another layer ends the network


def import_model(
    model: str,
    uri: str,
    settings: ModelSettings,
    licence: str,
    check: Check | None = None,
    data: bytes | None = None,
) -> Bundle:
    """Writes a bundle around a Keras file, which has to pass the same static scan as any other network.

    Args:
        model: URI or path of the `.keras` file; its optimizer, loss and metrics are left out.
        uri: Folder of the new bundle.
        settings: Labels, image size and scaling that the network was trained with, and its decision rule.
        licence: Terms of the data that the network was trained on.
        check: Called with the network before anything is written; what it raises ends the import.
        data: Bytes of the file, if they have been read already.

    Returns:
        The bundle as loaded from `uri`.

    Raises:
        BundleError: The file is of another kind, unsafe, or does not fit the settings.
        UsageError: There is no such file.
    """
    data = read_model(model) if data is None else data
    if is_onnx(data):
        raise BundleError(f"{model}: it is an ONNX model; expected a .keras file of Keras 3")
    with temporary_folder() as folder:
        given, plain = folder / "given.keras", folder / NETWORK
        given.write_bytes(data)
        try:
            without_compile_config(given, plain)  # nearly every model has an optimizer, which no scan would pass
            scan_network(plain)
        except BundleError as error:
            raise BundleError(f"{model}: {error}") from None
        network, network_file = load_network(plain, model), plain.read_bytes()
    _check_outputs(network, model, settings.labels)
    if check is not None:
        check_free(uri)  # before a check that may take minutes
        check(network, settings)
    card = (
        f"# Imported model\n\nImported from a Keras file with sha256 `{hashlib.sha256(data).hexdigest()}`; labels "
        f"{', '.join(settings.labels)}. Its training and its accuracy are unknown here. It is not a medical device and "
        "does not diagnose anybody.\n"
    )
    return write_bundle(uri, network, settings, BundleDocuments(card=card, licence=licence), network_file)


def _check_outputs(network: Any, model: str, labels: Sequence[str]) -> None:
    """Checks what the engine cannot see in numbers: that there are as many outputs as labels, and a sigmoid for one."""
    found = network.output_shape
    classes = found[0] if isinstance(found, list) else found
    count = classes[-1] if isinstance(classes, tuple) and len(classes) == 2 else None
    if count != len(labels) and not (count == 1 and len(labels) == 2):
        raise BundleError(
            f"{model}: the network returns {found}, expected one probability for each of the labels "
            f"{', '.join(labels)}; name one label for each output, in their order (for one sigmoid output one or two)"
        )
    activation = _last_activation(network)
    if count == 1 and activation not in _PROBABILITIES:
        raise BundleError(
            f"{model}: its one output has the activation {activation}, expected sigmoid: "
            f"{'softmax of one number is always 1' if activation == 'softmax' else 'it is not a probability'}; "
            "end the network with Dense(1, activation='sigmoid')"
        )


def _last_activation(network: Any) -> str:
    """Returns the name of the activation behind the first output; empty where the last layer has none."""
    layer = network
    while isinstance(layer, keras.Model):
        layer = layer.outputs[0]._keras_history.operation
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))
