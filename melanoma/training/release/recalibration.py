"""A bundle with the network of an earlier one, but with temperature, thresholds, views and figures of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from melanoma.evaluation.external import for_bundle
from melanoma.evaluation.pages.evaluation import page
from melanoma.model.bundle import Bundle, check_free
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_parts import described, golden_samples, settings_of, write_proved, written
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import CARD, FLAGGED, LICENCE, NETWORK, ONNX, PORTABLE
from melanoma.model.engine import portable_engine
from melanoma.model.tensorflow_engine import load_network
from melanoma.training.calibration.review_curve import plot_review_curve
from melanoma.training.release.decision_text import views_sentence
from melanoma.training.release.measuring import Measured
from melanoma.training.release.precision_text import precision_section
from melanoma.training.release.recalibrated_card import EARLIER_CARD, recalibrated_card
from melanoma.training.release.shipping import NOT_IN_BUNDLE_JSON

_BATCH = 32
_REPLACED = ("evaluation.json", "evaluation.html", "review.png")


@dataclass(frozen=True)
class Recalibration:
    """What is to be written.

    Attributes:
        bundle: The earlier bundle.
        views: How many views of a photograph are averaged.
        precision: In which the network computes, one of `PRECISIONS`.
        measured: Temperature, thresholds and figures under these views and in this precision.
        before: The same in the precision of the earlier bundle; None where that is the same.
        name: Name of the new bundle on its card.
        command: The exact command.
        tally: Photographs by label and part, without the training part.
    """

    bundle: Bundle
    views: int
    precision: str
    measured: Measured
    before: Measured | None
    name: str
    command: str
    tally: Mapping[str, Mapping[str, int]]


def write_recalibrated(uri: str, made: Recalibration) -> Bundle:
    """Writes the new bundle; it is another model with an id of its own, and the earlier bundle stays as it is.

    Args:
        uri: Folder in any store; must not hold a bundle or other files.
        made: What is to be written.

    Raises:
        BundleError: The folder is not empty, or the network cannot be run.
    """
    bundle, measured = made.bundle, made.measured
    settings = replace(
        settings_of(bundle),
        temperature=measured.temperature,
        views=made.views,
        precision=made.precision,
        thresholds=measured.thresholds,
    )
    if bundle.facts is None:
        return _write_portable(uri, bundle, settings, _documents(made))
    check_free(uri)
    with bundle.network_file() as path:
        network = load_network(path, bundle.uri)
    return write_bundle(uri, network, settings, _documents(made), bundle.files[NETWORK])


def _write_portable(uri: str, bundle: Bundle, settings: ModelSettings, documents: BundleDocuments) -> Bundle:
    """Writes a bundle whose network comes from ONNX: its file stays as it is, and so does its temperature."""
    check_free(uri)
    portable = bundle.files[PORTABLE]
    engine = portable_engine(portable, bundle.uri, _BATCH, settings.precision)
    document = {**described(settings, documents), "engine": ONNX}
    files = {PORTABLE: portable, **written(documents)}
    return write_proved(uri, document, files, golden_samples(engine, settings))


def _documents(made: Recalibration) -> BundleDocuments:
    bundle, measured = made.bundle, made.measured
    report = _report(measured)
    new = {
        EARLIER_CARD: bundle.files.get(EARLIER_CARD, bundle.files[CARD]),
        "evaluation.json": json.dumps(report, indent=1, sort_keys=True).encode(),
        "evaluation.html": page(report, f"{made.name}: test part").encode(),
        "review.png": plot_review_curve(measured.choices["review_below"]),
    }
    own = {NETWORK, PORTABLE, CARD, LICENCE, *_REPLACED, *(sample.file for sample in bundle.golden)}
    kept = {name: data for name, data in bundle.files.items() if name not in own}
    origin = {"from": bundle.model_id, "command": made.command, "photographs": made.tally}
    return BundleDocuments(
        card=recalibrated_card(bundle, made.name, _settings_in_words(made), measured, made.command, made.tally),
        licence=bundle.files[LICENCE].decode(),
        reference=measured.reference,
        metrics=_metrics(measured),
        training={**bundle.description["training"], "recalibrated": origin},
        extra_files={**kept, **new},
    )


def _settings_in_words(made: Recalibration) -> list[str]:
    """Returns what the card says about views and precision; nothing for one view in the precision of the training."""
    words = list(views_sentence(made.views))
    if made.before is not None:
        words += precision_section(made.precision, made.measured, made.bundle.precision, made.before)
    return words


def _report(measured: Measured) -> dict[str, Any]:
    external = [for_bundle(part) for part in measured.external]
    aim = (measured.choices.get(FLAGGED) or {}).get("aim")
    return {**measured.report, **({"external": external, "flag_aim": aim} if external else {})}


def _metrics(measured: Measured) -> dict[str, Any]:
    test = {name: value for name, value in measured.report.items() if name not in NOT_IN_BUNDLE_JSON}
    external = [for_bundle(part) for part in measured.external]
    stated = {"test": test, "validation": measured.validation, "choices": dict(measured.choices)}
    return stated | ({"external": external} if external else {})
