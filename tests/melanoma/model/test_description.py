"""Any `bundle.json` is either harmless, or refused with an error that names the wrong value."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma.errors import BundleError
from melanoma.json_values import to_json
from melanoma.model.bundle import load_bundle
from melanoma.model.description import read_description
from melanoma.model.reference_distribution import reference_of
from tests.helpers.bundles import (
    Document,
    copied,
    describe,
    document_of,
    edited,
    refusal,
    with_other_weights,
    without_portable,
)

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")


REFERENCE = reference_of(SLUGS, np.eye(3), np.arange(3), np.array([0.1, 0.2, 1.0]))


def with_bins(bins: list[float]) -> Document:
    """Returns the histograms of the reference with other bins for nevus."""
    return {**REFERENCE["histograms"], "p_nevus": bins}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": ["mel", "melanoma", "nv"]}, "labels 'mel' and 'melanoma' both become the column p_melanoma"),
        ({"labels": ["melanoma", "???", "nv"]}, "label '???' has no letter"),
        ({"labels": ["melanoma"], "prior": {"melanoma": 1.0}, "golden": []}, "1 labels, expected at least 2"),
        ({"labels": ["melanoma", "nevus"]}, "prior has the keys 'basal_cell_carcinoma', 'melanoma', 'nevus', expected"),
        ({"prior": {"melanoma": 0.5, "nevus": 0.3, "basal_cell_carcinoma": 0.1}}, "prior sums to 0.9"),
        ({"prior": {"melanoma": 0.5, "nevus": 0.5, "basal_cell_carcinoma": 0.0}}, "balanced rule divides"),
        ({"temperature": 0}, "temperature is 0"),
        ({"temperature": -1.5}, "temperature is -1.5"),
        ({"decision_rule": "majority"}, "decision rule 'majority', known are balanced, argmax"),
        ({"image_size": [24, 24]}, "the network takes (16, 16, 3), bundle.json says image_size (24, 24)"),
        ({"image_size": [0, 16]}, "image size 0x16"),
        ({"image_size": [16]}, "image_size is [16], expected a list of 2"),
        ({"thresholds": {"lentigo": 0.5}}, "thresholds has the keys 'lentigo'"),
        ({"thresholds": {"melanoma": 1.5}}, "thresholds.melanoma is 1.5"),
        ({"thresholds": {"review_below": -0.1}}, "thresholds.review_below is -0.1"),
        ({"thresholds": {"ood_above": "0.5"}}, "thresholds.ood_above is '0.5'"),
        ({"thresholds": {"review_above": 0.5}}, "thresholds has the keys 'review_above'"),
        ({"labels": ["melanoma", "review below", "nv"]}, "a label is named review_below, which is the name of a"),
        ({"labels": ["melanoma", "OOD above", "nv"]}, "a label is named ood_above"),
        ({"reference": {"a": 1}}, "reference has the keys 'a', expected 'histograms', 'n', 'top_label' or none"),
        ({"reference": [1]}, "reference is [1], expected a dict"),
        ({"reference": {**REFERENCE, "n": 0}}, "reference.n is 0"),
        ({"reference": {**REFERENCE, "top_label": {"melanoma": 1.0}}}, "reference.top_label has the keys 'melanoma'"),
        ({"reference": {**REFERENCE, "top_label": dict.fromkeys(SLUGS, 0.5)}}, "reference.top_label sums to 1.5"),
        ({"reference": {**REFERENCE, "histograms": {}}}, "reference.histograms has the keys"),
        ({"reference": {**REFERENCE, "histograms": with_bins([0.5, 0.5])}}, "expected a list of 10"),
        ({"reference": {**REFERENCE, "histograms": with_bins([0.2] * 10)}}, "histogram of p_nevus sums to 2"),
        ({"reference": {**REFERENCE, "histograms": with_bins([-1, 2] + [0] * 8)}}, "histogram of p_nevus is -1"),
        ({"engine": "torch"}, "engine 'torch', this version runs tensorflow and onnx"),
        ({"golden": []}, "no golden samples"),
        ({"metrics": {"accuracy": float("nan")}}, "NaN is not a number"),
        ({"metrics": [0.9]}, "metrics is [0.9], expected a dict"),
        ({"format": 2}, "bundle format 2, this version reads 1; upgrade melanoma"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused_by_the_value(
    bundle_uri: str, tmp_path: Path, changes: Document, complaint: str
) -> None:
    assert complaint in refusal(edited(bundle_uri, tmp_path, **changes))


@pytest.mark.parametrize(
    ("name", "value"),
    [("crop", 0), ("crop", 1.5), ("resize", "nearest"), ("std", [1, 0, 1]), ("mean", [0.5]), ("colour", "bgr")],
)
def test_an_impossible_preprocessing_is_refused_and_not_ignored(
    bundle_uri: str, tmp_path: Path, name: str, value: object
) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], name: value}
    assert "bundle.json is malformed" in refusal(edited(bundle_uri, tmp_path, preprocessing=preprocessing))


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Walks every value of a JSON document, of lists only the first two entries."""
    items = node.items() if isinstance(node, dict) else enumerate(node[:2]) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def put(document: Document, path: tuple[Any, ...], value: object) -> None:
    node: Any = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value


NESTED: list[Any] = []


for _ in range(300):
    NESTED = [NESTED]


HOSTILE = [None, True, 0, -1, 0.5, 10**400, float("nan"), float("inf"), "", "\ud800x", [], [[]], {}, {"x": 1}, NESTED]


def test_any_description_is_harmless_or_refused_in_one_line(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    sound = document_of(folder)
    harmless = set()
    for path in places(sound):
        for value in HOSTILE:
            document = copy.deepcopy(sound)
            put(document, path, value)
            (folder / "bundle.json").write_text(json.dumps(document))
            try:
                load_bundle(str(folder))
                harmless.add(path)
            except BundleError as error:
                assert str(error).isprintable() and len(str(error)) < 1000, path
    fine = {("preprocessing", key) for key in ("crop", "scale", "offset")} | {("temperature",), ("thresholds",)}
    fine |= {("preprocessing", "mean", 0), ("preprocessing", "mean", 1), ("preprocessing", "std", 0)}
    fine |= {("preprocessing", "std", 1), ("thresholds", "melanoma")}
    informative = ("metrics", "training", "versions", "reference")
    kept = {path for path in harmless - fine if path[0] not in informative}
    assert {(path[0], len(path), path[-1]) for path in kept} <= {
        ("golden", 3, "tensor_sha256"),  # any text: the golden check compares it
        ("golden", 4, "melanoma"),
        ("golden", 4, "nevus"),
        ("golden", 4, "basal_cell_carcinoma"),
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"17",
        b'"labels"',
        b"{",
        b"\xff\xfe{}",
        b"{}" * 2,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"temperature": ' + b"9" * 5000 + b"}",
        b"\x00" * 100,
        b" " * (5 * 2**20),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_bytes_that_are_not_a_description_are_refused(bundle_uri: str, tmp_path: Path, data: bytes) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "bundle.json").write_bytes(data)
    assert "bundle.json" in refusal(str(folder))


def test_a_description_with_random_damage_loads_or_is_refused(bundle_uri: str) -> None:
    rng, whole = random.Random(0), Path(bundle_uri, "bundle.json").read_bytes()
    refused = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3, 20))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        data = bytes(damaged[: rng.randrange(len(damaged))] if rng.random() < 0.2 else damaged)
        try:
            read_description(data)
        except BundleError as error:
            refused += 1
            assert str(error).isprintable() and len(str(error)) < 1000
    assert refused > 1000


def test_the_model_id_stays_when_texts_and_figures_change(bundle_uri: str, tmp_path: Path) -> None:
    before = load_bundle(bundle_uri)
    folder = copied(bundle_uri, tmp_path)
    (folder / "card.md").write_text("# A typo fixed\n")
    (folder / "LICENSE").write_text("Other terms.\n")
    words = {"metrics": {"accuracy": 0.9}, "training": {"seed": 7}, "versions": {"engine": "9"}, "reference": REFERENCE}
    after = load_bundle(describe(folder, {**document_of(folder), **words}))
    assert after.model_id == before.model_id and after.digest != before.digest


def test_the_model_id_changes_with_everything_that_affects_a_probability_or_a_flag(bundle_uri: str) -> None:
    sound = document_of(bundle_uri)
    changes: dict[tuple[Any, ...], object] = {
        ("labels", 2): "bcc",
        ("image_size", 0): 17,
        ("preprocessing", "crop"): 0.9,
        ("preprocessing", "scale"): 0.5,
        ("preprocessing", "mean", 1): 0.5,
        ("prior",): {"melanoma": 0.2, "nevus": 0.5, "basal_cell_carcinoma": 0.3},
        ("temperature",): 1.5,
        ("decision_rule",): "argmax",
        ("thresholds", "melanoma"): 0.31,
        ("thresholds",): {"melanoma": 0.3, "review_below": 0.6},
        ("files", "model.keras"): "0" * 64,
    }
    names = {read_description(to_json(sound)).model_id}
    for path, value in changes.items():
        document = copy.deepcopy(sound)
        put(document, path, value)
        names.add(read_description(to_json(document)).model_id)
    assert len(names) == len(changes) + 1
    assert all(len(name) == 14 and name.startswith("m-") for name in names)


def test_thresholds_for_a_review_and_a_reference_are_read(bundle_uri: str, tmp_path: Path) -> None:
    thresholds = {"ood_above": 0.5, "review_below": 0.75}
    keras_only = without_portable(bundle_uri, tmp_path / "before")
    bundle = load_bundle(edited(keras_only, tmp_path, thresholds=thresholds, reference=REFERENCE))
    assert bundle.thresholds == thresholds and bundle.description["reference"] == REFERENCE


def test_another_network_is_another_model(bundle_uri: str, tmp_path: Path) -> None:
    folder = Path(without_portable(bundle_uri, tmp_path))
    (folder / "model.keras").write_bytes(with_other_weights((folder / "model.keras").read_bytes()))
    assert load_bundle(describe(folder, document_of(folder))).model_id != load_bundle(bundle_uri).model_id
