"""Settings and documents of a bundle: unset values are empty, and every setting changes the model's id."""

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest

from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.preprocessing import NO_SCALING, Scaling
from melanoma.model.tensorflow_engine import load_network
from tests.helpers.networks import sized

DOCUMENTS = BundleDocuments(card="# X\n", licence="None.\n")
SETTINGS = ModelSettings(labels=("a", "b", "c"), spec=ImageSpec(16, 16), prior=(0.2, 0.3, 0.5))
CHANGES: dict[str, Any] = {
    "labels": ("a", "b", "d"),
    "spec": ImageSpec(16, 16, 0.9),
    "prior": (0.3, 0.2, 0.5),
    "scaling": Scaling(0.5),
    "temperature": 1.5,
    "decision_rule": "argmax",
    "thresholds": {"review_below": 0.4},
    "views": 4,
}


def test_unset_settings_and_documents_have_neutral_defaults() -> None:
    assert (SETTINGS.scaling, SETTINGS.temperature, SETTINGS.thresholds) == (NO_SCALING, 1.0, {})
    assert DOCUMENTS.reference == DOCUMENTS.metrics == DOCUMENTS.training == DOCUMENTS.extra_files == {}


def test_settings_and_documents_are_named_and_fixed() -> None:
    with pytest.raises(TypeError):
        BundleDocuments("# X\n", "None.\n")  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        SETTINGS.temperature = 2.0  # type: ignore[misc]


def test_every_setting_and_document_reaches_the_bundle(tmp_path: Path) -> None:
    assert CHANGES.keys() == {field.name for field in fields(ModelSettings)} - {"precision"}  # see test_precision
    documents = replace(
        DOCUMENTS, card="# Y\n", metrics={"accuracy": 0.5}, training={"seed": 1}, extra_files={"curves.png": b"x"}
    )
    bundle = write_bundle(str(tmp_path / "new"), sized(16), replace(SETTINGS, **CHANGES), documents)
    for name, value in CHANGES.items():
        assert getattr(bundle, name) == value, name
    assert (bundle.files["card.md"], bundle.files["LICENSE"]) == (b"# Y\n", b"None.\n")
    assert bundle.files["curves.png"] == b"x"
    assert (bundle.description["metrics"], bundle.description["training"]) == ({"accuracy": 0.5}, {"seed": 1})


def test_the_same_network_file_and_settings_have_the_same_model_id(tmp_path: Path) -> None:
    first = write_bundle(str(tmp_path / "first"), sized(16), SETTINGS, DOCUMENTS)
    other = replace(DOCUMENTS, card="# Y\n")
    with first.network_file() as path:
        network, data = load_network(path, first.uri), path.read_bytes()
    again = write_bundle(str(tmp_path / "again"), network, SETTINGS, other, data)
    assert again.model_id == first.model_id and again.digest != first.digest
    moved = write_bundle(str(tmp_path / "moved"), network, replace(SETTINGS, temperature=1.5), DOCUMENTS, data)
    assert moved.model_id != first.model_id
    averaged = write_bundle(str(tmp_path / "views"), network, replace(SETTINGS, views=2), DOCUMENTS, data)
    assert averaged.model_id != first.model_id
