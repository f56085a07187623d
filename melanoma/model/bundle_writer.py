"""Writes a bundle: the network, golden samples, card and licence, and the description that binds them together."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from melanoma import storage
from melanoma.errors import BundleError
from melanoma.images import decoding
from melanoma.json_values import to_json
from melanoma.labels import slugs_of
from melanoma.model import golden
from melanoma.model.bundle import Bundle, check_free, check_parts, load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.description import CARD, DESCRIPTION, ENGINE, FORMAT, LICENCE, NETWORK
from melanoma.model.engine import ENGINE_VERSION, Engine, check_shapes, one_clear_error, score_all
from melanoma.model.network_archive import without_compile_config
from melanoma.model.network_scan import scan_network
from melanoma.model.preprocessing import preprocessing_of
from melanoma.storage.temporary import temporary_folder


def write_bundle(
    uri: str,
    network: keras.Model,
    settings: ModelSettings,
    documents: BundleDocuments,
    network_file: bytes | None = None,
) -> Bundle:
    """Writes a bundle and reads it back as a nightly run would; the description is written last.

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
    slugs = _checked_slugs(uri, network, settings)
    with one_clear_error(uri):
        golden_files, golden_entries = _golden(network, slugs, settings)
    files = {
        NETWORK: network_file or _network_bytes(network),
        CARD: documents.card.encode(),
        LICENCE: documents.licence.encode(),
        **golden_files,
        **documents.extra_files,
    }
    document = {
        **_settings_entries(settings, slugs),
        **_document_entries(documents),
        "format": FORMAT,
        "engine": ENGINE,
        "golden": golden_entries,
        "versions": {"engine": ENGINE_VERSION, "decoder": decoding.DECODER},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    _write(uri, document, files)
    return load_bundle(uri)


def _checked_slugs(uri: str, network: keras.Model, settings: ModelSettings) -> tuple[str, ...]:
    """Checks that the settings fit the network, and returns the slugs of the labels."""
    slugs = slugs_of(settings.labels)
    if len(settings.prior) != len(slugs):
        raise BundleError(
            f"{uri}: {len(settings.prior)} shares in the prior for {len(slugs)} labels; give one share for each label"
        )
    size = settings.spec.height, settings.spec.width
    check_shapes(network, size, settings.labels, uri, settings.thresholds)
    return slugs


def _settings_entries(settings: ModelSettings, slugs: Sequence[str]) -> dict[str, Any]:
    return {
        "labels": list(settings.labels),
        "image_size": [settings.spec.height, settings.spec.width],
        "preprocessing": preprocessing_of(settings.spec, settings.scaling),
        "prior": dict(zip(slugs, map(float, settings.prior), strict=True)),
        "temperature": float(settings.temperature),
        "decision_rule": settings.decision_rule,
        "thresholds": dict(settings.thresholds),
    }


def _document_entries(documents: BundleDocuments) -> dict[str, Any]:
    return {
        "reference": dict(documents.reference),
        "metrics": dict(documents.metrics),
        "training": dict(documents.training),
    }


def _write(uri: str, document: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    try:
        description = to_json(document)
    except (TypeError, ValueError) as error:
        raise BundleError(f"{uri}: {DESCRIPTION} cannot hold a value that is not JSON ({error})") from None
    check_parts(uri, description, files)
    for name, data in [*files.items(), (DESCRIPTION, description)]:
        storage.write_bytes(storage.join(uri, name), data)


def _network_bytes(network: keras.Model) -> bytes:
    with temporary_folder() as folder:
        saved, plain = folder / "saved.keras", folder / NETWORK
        network.save(saved)
        without_compile_config(saved, plain)
        scan_network(plain)
        return plain.read_bytes()


def _golden(
    network: keras.Model, slugs: Sequence[str], settings: ModelSettings
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Draws the golden samples and scores them: files by name, and their entries in the description."""
    files = golden.draw_samples()
    pixels = golden.decode(list(files.values()), settings.spec)
    size = settings.spec.height, settings.spec.width
    engine = Engine(network, size, len(files), settings.scaling, settings.temperature)
    return files, golden.describe(files, pixels, score_all(engine, pixels), slugs)
