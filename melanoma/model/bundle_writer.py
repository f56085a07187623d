"""Writes a bundle: the network, golden phantoms, card and licence, and the description that binds them."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from melanoma import storage
from melanoma.errors import BundleError, ReadError, UsageError
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.json_values import to_json
from melanoma.labels import slugs_of
from melanoma.model import golden
from melanoma.model.bundle import Bundle, Scaling, check_free, check_parts, load_bundle
from melanoma.model.description import CARD, DESCRIPTION, ENGINE, FORMAT, LICENCE, NETWORK
from melanoma.model.engine import ENGINE_VERSION, Engine, check_shapes, load_network, one_clear_error, score_all
from melanoma.model.network_scan import scan_network, without_compile_config
from melanoma.model.preprocessing import preprocessing_of


def write_bundle(
    uri: str,
    network: keras.Model,
    *,
    labels: Sequence[str],
    spec: ImageSpec,
    card: str,
    licence: str,
    prior: Sequence[float],
    scaling: Scaling | None = None,
    temperature: float = 1.0,
    decision_rule: str = "balanced",
    thresholds: Mapping[str, float] | None = None,
    reference: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    extra_files: Mapping[str, bytes] | None = None,
    network_file: bytes | None = None,
) -> Bundle:
    """Writes a bundle and reads it back as a nightly job would; the description is written last.

    Args:
        uri: Folder in any store; must not hold a bundle yet.
        network: Keras model, (n, height, width, 3) to (n, labels) softmax, or (n, 1) sigmoid for two labels; it may
            have a second output `ood_score`, (n, 1).
        labels: In the order of the network's outputs.
        spec: What the decoder delivers.
        card: Markdown for people: data, intended use, metrics, limits.
        licence: Terms of the data that the network was trained on.
        prior: Class shares that the network's probabilities refer to, in the order of `labels`.
        scaling: What happens between decoder and network.
        temperature: Divides the logits.
        decision_rule: `balanced` or `argmax`.
        thresholds: `melanoma`, `review_below` and `ood_above`, each 0 to 1 and optional; see `decision.decide`.
        reference: What the network says of the validation photographs, as `reference.reference_of` gives it.
        metrics: Measured figures, JSON values.
        training: Command, seed and data, JSON values.
        extra_files: More files by name, such as pictures that the card shows.
        network_file: The network as it was saved, where that is known; saved again it would be another model.

    Raises:
        BundleError: Something is there already, or the parts do not fit together.
    """
    check_free(uri, allowed=frozenset(extra_files or ()))
    slugs = slugs_of(labels)
    if len(prior) != len(slugs):
        raise BundleError(f"{uri}: {len(prior)} shares in the prior for {len(slugs)} labels; give one for each")
    check_shapes(network, (spec.height, spec.width), labels, uri, thresholds or ())
    scaling = scaling or Scaling()
    with one_clear_error(uri):
        golden_files, phantoms = _golden(network, slugs, spec, scaling, temperature)
    files = {NETWORK: network_file or _network_bytes(network), CARD: card.encode(), LICENCE: licence.encode()}
    files |= golden_files | dict(extra_files or {})
    document = {
        "format": FORMAT,
        "labels": list(labels),
        "image_size": [spec.height, spec.width],
        "preprocessing": preprocessing_of(spec, scaling),
        "prior": dict(zip(slugs, map(float, prior), strict=True)),
        "temperature": float(temperature),
        "decision_rule": decision_rule,
        "thresholds": dict(thresholds or {}),
        "reference": dict(reference or {}),
        "engine": ENGINE,
        "golden": phantoms,
        "metrics": dict(metrics or {}),
        "training": dict(training or {}),
        "versions": {"engine": ENGINE_VERSION, "decoder": decoding.DECODER},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    _write(uri, document, files)
    return load_bundle(uri)


def _write(uri: str, document: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    try:
        description = to_json(document)
    except (TypeError, ValueError) as error:
        raise BundleError(f"{uri}: {DESCRIPTION} cannot hold what is no JSON value ({error})") from None
    check_parts(uri, description, files)
    for name, data in [*files.items(), (DESCRIPTION, description)]:
        storage.write_bytes(storage.join(uri, name), data)


def import_model(
    model: str,
    uri: str,
    *,
    labels: Sequence[str],
    spec: ImageSpec,
    scaling: Scaling,
    prior: Sequence[float],
    licence: str,
) -> Bundle:
    """Turns a `.keras` file from elsewhere into a bundle, after the same scan as ever; its optimizer stays behind.

    Args:
        model: URI or path of the file.
        uri: Folder of the new bundle.
        labels: In the order of the outputs; for one sigmoid output the class of 0, then that of 1.
        spec: What the decoder delivers.
        scaling: What the network expects of pixel values.
        prior: Class shares that its probabilities refer to.
        licence: Terms of the data that it was trained on.

    Raises:
        BundleError: The file is unsafe or does not fit the labels.
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
        f"{', '.join(labels)}. Nothing is known here of its training or accuracy. It is no medical device and "
        "diagnoses nobody.\n"
    )
    return write_bundle(
        uri,
        network,
        labels=labels,
        spec=spec,
        card=card,
        licence=licence,
        prior=prior,
        scaling=scaling,
        network_file=network_file,
    )


def _network_bytes(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory(prefix="melanoma-") as folder:
        saved, plain = Path(folder) / "saved.keras", Path(folder) / NETWORK
        network.save(saved)
        without_compile_config(saved, plain)
        scan_network(plain)
        return plain.read_bytes()


def _golden(
    network: keras.Model, slugs: Sequence[str], spec: ImageSpec, scaling: Scaling, temperature: float
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    files = golden.draw_phantoms()
    pixels = golden.decode(list(files.values()), spec)
    engine = Engine(network, (spec.height, spec.width), len(files), scaling, temperature)
    return files, golden.describe(files, pixels, score_all(engine, pixels), slugs)
