"""A bundle whose pixels or scores differ from those it was written with is refused."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from melanoma.model.bundle import load_bundle
from melanoma.model.engine import load_engine
from tests.helpers.bundles import copied, describe, document_of, edited, with_other_weights
from tests.helpers.networks import engine_refusal, photographs, with_more, write_bundle_of


def test_a_sound_bundle_passes_its_golden_check_at_any_batch_size(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    photos = photographs(3)
    found = [load_engine(bundle, batch_size).score(photos[:1]).probabilities for batch_size in (1, 5)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_permuted_labels_are_found_out_by_name(bundle_uri: str, tmp_path: Path) -> None:
    uri = edited(bundle_uri, tmp_path, labels=["nevus", "melanoma", "basal cell carcinoma"])
    said = engine_refusal(load_bundle(uri))
    assert "p_nevus" in said or "p_melanoma" in said
    assert "labels, network and description do not belong together" in said


def test_another_network_is_found_out(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(with_other_weights((folder / "model.keras").read_bytes()))
    assert "do not belong together" in engine_refusal(load_bundle(describe(folder, document_of(folder))))


@pytest.mark.parametrize(("key", "value"), [("scale", 0.5), ("offset", 40.0), ("mean", [60.0, 0.0, 0.0])])
def test_another_scaling_is_found_out(bundle_uri: str, tmp_path: Path, key: str, value: object) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], key: value}
    assert "do not belong together" in engine_refusal(
        load_bundle(edited(bundle_uri, tmp_path, preprocessing=preprocessing))
    )


def test_another_crop_is_found_out_by_the_decoded_pixels(bundle_uri: str, tmp_path: Path) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], "crop": 0.8}
    said = engine_refusal(load_bundle(edited(bundle_uri, tmp_path, preprocessing=preprocessing)))
    assert "does not decode to the pixels that it had when the bundle was written" in said


def test_a_phantom_that_does_not_decode_is_a_fault_of_the_bundle(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden" / "phantom-0.jpg").write_bytes(b"GIF89a")
    assert "unsupported_format" in engine_refusal(load_bundle(describe(folder, document_of(folder))))


def test_a_probability_that_is_off_by_more_than_the_tolerance_is_found_out(bundle_uri: str, tmp_path: Path) -> None:
    golden = document_of(bundle_uri)["golden"]
    for change, fits in ((0.5e-4, True), (2e-4, False)):
        moved = copy.deepcopy(golden)
        moved[-1]["probabilities"]["nevus"] += change if moved[-1]["probabilities"]["nevus"] < 0.5 else -change
        bundle = load_bundle(edited(bundle_uri, tmp_path / str(change), golden=moved))
        if fits:
            load_engine(bundle, 8)
        else:
            assert "p_nevus" in engine_refusal(bundle)


def test_another_unlikeness_is_found_out(tmp_path: Path) -> None:
    bundle = write_bundle_of(tmp_path / "two", with_more(("ood_score", 1)), thresholds={"ood_above": 0.5})
    assert load_engine(bundle, 4).score(photographs(2)).ood is not None
    moved = [replace(golden, ood_score=1.0 - (golden.ood_score or 0.0)) for golden in bundle.golden]
    assert "gives ood_score" in engine_refusal(replace(bundle, golden=tuple(moved)))
    silent = replace(bundle, golden=tuple(replace(golden, ood_score=None) for golden in bundle.golden))
    load_engine(silent, 4)
