"""Writes a bundle: the network, golden samples, card and licence, and the description that binds them together."""

import hashlib
from collections.abc import Mapping

import keras

from melanoma.errors import BundleError
from melanoma.labels import slugs_of
from melanoma.model.bundle import Bundle, check_free
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_parts import described, golden_samples, write_proved, written
from melanoma.model.description import KERAS, NETWORK, PORTABLE, source_of
from melanoma.model.engine import portable_engine
from melanoma.model.engine_interface import Engine
from melanoma.model.engine_names import F32
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import scan_network
from melanoma.model.portable.conversion import missing_converter
from melanoma.model.portable_form import portable_form
from melanoma.model.tensorflow_engine import TensorFlowEngine, check_shapes, one_clear_error
from melanoma.storage.temporary import temporary_folder

_BATCH = 8  # as many as there are golden samples


def write_bundle(
    uri: str,
    network: keras.Model,
    settings: ModelSettings,
    documents: BundleDocuments,
    network_file: bytes | None = None,
) -> Bundle:
    """Writes a bundle and reads it back as a nightly run would; the description is written last.

    The bundle gets the portable form of the network too, unless the converter is missing or the network has none.

    Args:
        uri: Folder in any store; must not hold a bundle yet.
        network: Keras model, (n, height, width, 3) to (n, labels) softmax, or (n, 1) sigmoid for two labels; it may
            have a second output `ood_score`, (n, 1).
        settings: What turns the network's outputs into decisions.
        documents: What the bundle says about the model.
        network_file: Bytes of the network if it has been saved already; saving it again would change the model id.

    Returns:
        The bundle as loaded from `uri`.

    Raises:
        BundleError: The folder is not empty, or the parts do not fit together.
    """
    check_free(uri, allowed=frozenset(documents.extra_files))
    _check_fit(uri, network, settings)
    network_file = network_file or _network_bytes(network)
    stated = described(settings, documents)
    source = source_of(stated, hashlib.sha256(network_file).hexdigest())
    networks = {NETWORK: network_file, **_portable(network, settings, source)}
    with one_clear_error(uri):
        engine = _engine(uri, network, settings, networks)
        samples = golden_samples(engine, settings)
    return write_proved(uri, {**stated, "engine": KERAS}, {**networks, **written(documents)}, samples)


def _check_fit(uri: str, network: keras.Model, settings: ModelSettings) -> None:
    """Checks that the settings fit the network."""
    slugs = slugs_of(settings.labels)
    if len(settings.prior) != len(slugs):
        raise BundleError(
            f"{uri}: {len(settings.prior)} shares in the prior for {len(slugs)} labels; give one share for each label"
        )
    size = settings.spec.height, settings.spec.width
    check_shapes(network, size, settings.labels, uri, settings.thresholds)


def _portable(network: keras.Model, settings: ModelSettings, source: str) -> dict[str, bytes]:
    """Returns the portable form of a network as a file of its bundle; none where it cannot be made."""
    if missing_converter():
        return {}
    try:
        return {PORTABLE: portable_form(network, settings.spec, settings.scaling, settings.temperature, source)}
    except BundleError:  # TensorFlow scores it; melanoma bundle convert says why
        return {}


def _network_bytes(network: keras.Model) -> bytes:
    with temporary_folder() as folder:
        saved, plain = folder / "saved.keras", folder / NETWORK
        network.save(saved)
        without_compile_config(saved, plain)
        scan_network(plain)
        return plain.read_bytes()


def _engine(uri: str, network: keras.Model, settings: ModelSettings, networks: Mapping[str, bytes]) -> Engine:
    """Returns what scores the golden samples: TensorFlow, or an engine that computes in the bundle's precision."""
    if settings.precision == F32:
        size = settings.spec.height, settings.spec.width
        return TensorFlowEngine(network, size, _BATCH, settings.scaling, settings.temperature)
    if PORTABLE not in networks:
        raise BundleError(f"{uri}: there is no portable form of the network, which {settings.precision} needs")
    return portable_engine(networks[PORTABLE], uri, _BATCH, settings.precision)
