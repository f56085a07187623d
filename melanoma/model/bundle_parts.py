"""Puts the parts of a bundle together and writes them, whatever its network comes from."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from melanoma import storage
from melanoma.errors import BundleError
from melanoma.images import decoding
from melanoma.json_values import to_json
from melanoma.labels import slugs_of
from melanoma.model import golden
from melanoma.model.bundle import Bundle, check_parts, load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.description import CARD, DESCRIPTION, FORMAT, LICENCE, PRECISION, VIEWS
from melanoma.model.engine import score_all
from melanoma.model.engine_interface import Engine
from melanoma.model.engine_names import F32
from melanoma.model.preprocessing import preprocessing_of
from melanoma.model.view_averaging import with_views


class GoldenSamples(NamedTuple):
    """Golden samples of a new bundle.

    Attributes:
        files: Their files by name.
        entries: Their entries in the description.
        engine: Version of the engine that scored them.
    """

    files: Mapping[str, bytes]
    entries: Sequence[Mapping[str, Any]]
    engine: str


def settings_of(bundle: Bundle) -> ModelSettings:
    """Returns the settings with which a bundle was written."""
    return ModelSettings(
        labels=bundle.labels,
        spec=bundle.spec,
        prior=bundle.prior,
        scaling=bundle.scaling,
        temperature=bundle.temperature,
        views=bundle.views,
        precision=bundle.precision,
        decision_rule=bundle.decision_rule,
        thresholds=bundle.thresholds,
    )


def golden_samples(engine: Engine, settings: ModelSettings) -> GoldenSamples:
    """Draws golden samples, and scores their views.

    Args:
        engine: Runs the network, in the precision of the settings.
        settings: Those of the new bundle.

    Raises:
        BundleError: An output is not a probability or not a score.
    """
    files = golden.draw_samples()
    pixels = golden.decode(list(files.values()), settings.spec)
    scores = score_all(with_views(engine, settings.views), pixels)
    return GoldenSamples(files, golden.describe(files, pixels, scores, slugs_of(settings.labels)), engine.version)


def described(settings: ModelSettings, documents: BundleDocuments) -> dict[str, Any]:
    """Returns the entries of `bundle.json` that say what the settings and the documents say."""
    return {
        "format": FORMAT,
        "labels": list(settings.labels),
        "image_size": [settings.spec.height, settings.spec.width],
        "preprocessing": preprocessing_of(settings.spec, settings.scaling),
        "prior": dict(zip(slugs_of(settings.labels), map(float, settings.prior), strict=True)),
        "temperature": float(settings.temperature),
        **({VIEWS: settings.views} if settings.views > 1 else {}),
        **({PRECISION: settings.precision} if settings.precision != F32 else {}),
        "decision_rule": settings.decision_rule,
        "thresholds": dict(settings.thresholds),
        "reference": dict(documents.reference),
        "metrics": dict(documents.metrics),
        "training": dict(documents.training),
    }


def written(documents: BundleDocuments) -> dict[str, bytes]:
    """Returns the files of a bundle that the documents are written to, by name."""
    return {CARD: documents.card.encode(), LICENCE: documents.licence.encode(), **documents.extra_files}


def write_proved(uri: str, document: Mapping[str, Any], files: Mapping[str, bytes], samples: GoldenSamples) -> Bundle:
    """Writes a bundle with its golden samples, see `write_parts`.

    Args:
        uri: Folder in any store; must not hold a bundle yet.
        document: Its description, without golden samples, versions and digests.
        files: Networks and documents by name.
        samples: What proves the network.

    Raises:
        BundleError: The bundle would not load.
    """
    versions = {"engine": samples.engine, "decoder": decoding.DECODER}
    document = {**document, "golden": samples.entries, "versions": versions}
    return write_parts(uri, document, {**files, **samples.files})


def write_parts(uri: str, document: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
    """Writes the files of a bundle, the description last, and reads it back as a nightly run would.

    Args:
        uri: Folder in any store; must not hold a bundle yet.
        document: Its description; the digests of the files are added.
        files: Content of every other file by name.

    Raises:
        BundleError: The bundle would not load.
    """
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    try:
        description = to_json({**document, "files": digests})
    except (TypeError, ValueError) as error:
        raise BundleError(f"{uri}: {DESCRIPTION} cannot hold a value that is not JSON ({error})") from None
    check_parts(uri, description, files)
    for name, data in [*files.items(), (DESCRIPTION, description)]:
        storage.write_bytes(storage.join(uri, name), data)
    return load_bundle(uri)
