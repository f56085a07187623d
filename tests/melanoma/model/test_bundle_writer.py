"""Parts that do not belong together are refused before anything is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from melanoma.errors import BundleError
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.engine import load_engine
from tests.helpers.networks import constant, sized, with_more, write_bundle_of


@pytest.mark.parametrize(
    ("build", "labels", "size", "complaint"),
    [
        (lambda: sized(16), ("a", "b"), 16, "the network returns (None, 3), the description lists 2 labels"),
        (lambda: sized(16), ("a", "b", "c"), 24, "the network takes (16, 16) pixels, the description says (24, 24)"),
        (lambda: sized(16, channels=1), ("a", "b", "c"), 16, "expected one input (n, height, width, 3)"),
        (lambda: sized(None), ("a", "b", "c"), 1, "cannot run the network"),
        (lambda: with_more(("strangeness", 1)), ("a", "b", "c"), 16, "returns ['strangeness'] [(None, 1)], expected"),
        (lambda: with_more(("ood_score", 2)), ("a", "b", "c"), 16, "expected nothing or one ood_score (n, 1)"),
        (
            lambda: with_more(("ood_score", 1), ("x", 1)),
            ("a", "b", "c"),
            16,
            "['ood_score', 'x'] [(None, 1), (None, 1)]",
        ),
        (lambda: constant(0.2, 0.3, 0.4), ("a", "b", "c"), 16, "not probabilities"),
        (lambda: constant(np.nan, 0.3, 0.4), ("a", "b", "c"), 16, "not probabilities"),
        (lambda: constant(-0.5, 0.5, 1.0), ("a", "b", "c"), 16, "not probabilities"),
    ],
)
def test_a_network_that_does_not_fit_is_not_written(
    tmp_path: Path, build: Callable[[], keras.Model], labels: tuple[str, ...], size: int, complaint: str
) -> None:
    with pytest.raises(BundleError) as caught:
        write_bundle_of(tmp_path / "new", build(), labels, size)
    assert complaint in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_temperature_does_not_turn_logits_into_probabilities(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not probabilities"):
        write_bundle_of(tmp_path, constant(-1.0, 2.0, 0.5), temperature=2.0)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prior": [0.5, 0.5]}, "2 shares in the prior for 3 labels"),
        ({"prior": [0.5, 0.5, 0.5]}, "prior sums to 1.5"),
        ({"thresholds": {"lentigo": 0.5}}, "thresholds has the keys 'lentigo'"),
        ({"metrics": {"accuracy": float("nan")}}, "not JSON"),
        ({"training": {"seed": np.int64(3)}}, "not JSON"),
        ({"decision_rule": "majority"}, "known are balanced, argmax"),
        ({"labels": ["nv", "nevus", "c"]}, "both become the column p_nevus"),
        ({"thresholds": {"ood_above": 0.5}}, "a threshold ood_above, but the network has no ood_score; remove it"),
        ({"reference": {"histograms": {}}}, "reference has the keys 'histograms', expected"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BundleError) as caught:
        write_bundle_of(tmp_path / "new", sized(16), **changes)
    assert complaint in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_network_that_takes_any_size_scores_at_the_bundles_size(tmp_path: Path) -> None:
    bundle = write_bundle_of(tmp_path / "any", sized(None), size=24)
    assert load_engine(bundle, 2).score(np.zeros((1, 24, 24, 3), np.uint8)).probabilities.shape == (1, 3)


def test_an_existing_bundle_is_never_replaced(tmp_path: Path) -> None:
    settings = ModelSettings(labels=("a", "b", "c"), spec=ImageSpec(16, 16), prior=(0.2, 0.3, 0.5))
    documents = BundleDocuments(card="# X\n", licence="None.\n", extra_files={"notes.txt": b"new"})
    (tmp_path / "notes.txt").write_bytes(b"old")
    written = write_bundle(str(tmp_path), sized(16), settings, documents)
    assert written == load_bundle(str(tmp_path)) and written.files["notes.txt"] == b"new"
    with pytest.raises(BundleError, match="the folder holds a bundle already, and bundles are never replaced"):
        write_bundle(str(tmp_path), sized(16), settings, documents)
    assert load_bundle(str(tmp_path)) == written
