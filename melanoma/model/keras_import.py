"""Turns a `.keras` file from elsewhere into a bundle."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

from melanoma import storage
from melanoma.errors import BundleError, ErrorKind, ReadError, UsageError
from melanoma.labels import name_of, slug_of
from melanoma.model.bundle import Bundle, check_free
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import NETWORK
from melanoma.model.foreign_formats import ForeignFormat, recognise_file, recognise_folder
from melanoma.model.network_archive import MAX_FILE_BYTES, without_compile_config
from melanoma.model.network_scan import scan_network
from melanoma.model.tensorflow_engine import load_network
from melanoma.storage.temporary import temporary_folder

_MAX_NAMES = 10_000  # of a folder that is given in place of a file
Check = Callable[[keras.Model, ModelSettings], object]
_PROBABILITIES = ("", "sigmoid", "hard_sigmoid")  # activations of one output; empty: another layer ends the network


def import_model(model: str, uri: str, settings: ModelSettings, licence: str, check: Check | None = None) -> Bundle:
    """Writes a bundle around a Keras file, which has to pass the same static scan as any other network.

    Args:
        model: URI or path of the `.keras` file; its optimizer, loss and metrics are left out.
        uri: Folder of the new bundle.
        settings: Labels, image size and scaling that the network was trained with, and its decision rule.
        licence: Terms of the data that the network was trained on.
        check: Called with the network before anything is written; what it raises ends the import.

    Returns:
        The bundle as loaded from `uri`.

    Raises:
        BundleError: The file is of another kind, unsafe, or does not fit the settings.
        UsageError: There is no such file.
    """
    data = _read_model(model)
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


def labels_of_outputs(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the classes of a network, of which a single label is that of its one sigmoid output.

    Example:
        >>> labels_of_outputs(["mel"])
        ('not melanoma', 'mel')
    """
    return (f"not {name_of(slug_of(labels[0])).lower()}", labels[0]) if len(labels) == 1 else tuple(labels)


def _read_model(model: str) -> bytes:
    """Reads a file that may be a `.keras` archive.

    Raises:
        BundleError: It is something else, too large, or a folder.
        UsageError: There is no such file, or it cannot be read.
    """
    uri = storage.canonical(model)
    if (size := storage.size_of(uri)) > MAX_FILE_BYTES and not _folder_names(uri):
        raise BundleError(f"{model}: it has {size:,} bytes, expected a .keras file of at most {MAX_FILE_BYTES:,}")
    try:
        data = storage.read_bytes(uri)
    except ReadError as error:
        if not (names := _folder_names(uri)):
            raise UsageError(f"{model}: {error.detail}") from None
        found = recognise_folder(names) or ForeignFormat("a folder", "give the path of the .keras file")
        raise _refusal(model, found) from None
    if foreign := recognise_file(data):
        raise _refusal(model, foreign)
    return data


def _folder_names(uri: str) -> list[str]:
    """Returns the paths of files below a folder, at most `_MAX_NAMES`; none if it is not a folder."""
    names: list[str] = []
    prefix = uri.rstrip("/") + "/"
    try:
        for file in storage.list_files(uri):
            if not file.uri.startswith(prefix) or len(names) >= _MAX_NAMES:
                break
            names.append(file.uri.removeprefix(prefix))
    except ReadError as error:
        if error.kind is not ErrorKind.MISSING:
            raise UsageError(f"{uri}: {error.detail}") from None
    return names


def _refusal(model: str, found: ForeignFormat) -> BundleError:
    return BundleError(f"{model}: it is {found.name}; expected a .keras file of Keras 3; {found.remedy}")


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
