"""Turns a `.keras` file from elsewhere into a bundle."""

import hashlib
import tempfile
from pathlib import Path

from melanoma import storage
from melanoma.errors import BundleError, ReadError, UsageError
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import NETWORK
from melanoma.model.engine import load_network
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import scan_network


def import_model(model: str, uri: str, settings: ModelSettings, licence: str) -> Bundle:
    """Writes a bundle around a Keras file, which has to pass the same static scan as any other network.

    Args:
        model: URI or path of the `.keras` file; its optimizer, loss and metrics are left out.
        uri: Folder of the new bundle.
        settings: Labels, image size and scaling that the network was trained with, and its decision rule.
        licence: Terms of the data that the network was trained on.

    Returns:
        The bundle as loaded from `uri`.

    Raises:
        BundleError: The file is unsafe or does not fit the settings.
        UsageError: There is no such file.
    """
    try:
        data = storage.read_bytes(storage.canonical(model))
    except ReadError as error:
        raise UsageError(f"{model}: {error.detail}") from None
    with tempfile.TemporaryDirectory(prefix="melanoma-") as folder:
        given, plain = Path(folder) / "given.keras", Path(folder) / NETWORK
        given.write_bytes(data)
        try:
            without_compile_config(given, plain)  # nearly every model has an optimizer, which no scan would pass
            scan_network(plain)
        except BundleError as error:
            raise BundleError(f"{model}: {error}") from None
        network, network_file = load_network(plain, model), plain.read_bytes()
    card = (
        f"# Imported model\n\nImported from a Keras file with sha256 `{hashlib.sha256(data).hexdigest()}`; labels "
        f"{', '.join(settings.labels)}. Its training and its accuracy are unknown here. It is not a medical device and "
        "does not diagnose anybody.\n"
    )
    return write_bundle(uri, network, settings, BundleDocuments(card=card, licence=licence), network_file)
