"""A bundle whose pixels or scores differ from those it was written with is refused."""

import copy
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma.errors import BundleError
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.images.headers import read_header
from melanoma.model import golden
from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput
from melanoma.model.engine import load_engine
from melanoma.model.golden import check_scores, decode, draw_samples
from tests.helpers.bundles import copied, describe, document_of, edited, with_other_weights, without_portable
from tests.helpers.networks import engine_refusal, photographs, with_more, write_bundle_of


@pytest.fixture
def bundle_uri(bundle_uri: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny bundle without its portable form, which is bound to its network and settings in another way."""
    return without_portable(bundle_uri, tmp_path_factory.mktemp("keras"))


def test_a_sound_bundle_passes_its_golden_check_at_any_batch_size(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    photos = photographs(3)
    found = [load_engine(bundle, batch_size).score(photos[:1]).probabilities for batch_size in (1, 5)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_permuted_labels_are_detected_by_name(bundle_uri: str, tmp_path: Path) -> None:
    uri = edited(bundle_uri, tmp_path, labels=["nevus", "melanoma", "basal cell carcinoma"])
    message = engine_refusal(load_bundle(uri))
    assert "p_nevus" in message or "p_melanoma" in message
    assert "labels, network and description do not belong together" in message


def test_another_network_is_detected(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(with_other_weights((folder / "model.keras").read_bytes()))
    assert "do not belong together" in engine_refusal(load_bundle(describe(folder, document_of(folder))))


@pytest.mark.parametrize(("key", "value"), [("scale", 0.5), ("offset", 40.0), ("mean", [60.0, 0.0, 0.0])])
def test_another_scaling_is_detected(bundle_uri: str, tmp_path: Path, key: str, value: object) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], key: value}
    assert "do not belong together" in engine_refusal(
        load_bundle(edited(bundle_uri, tmp_path, preprocessing=preprocessing))
    )


def test_another_crop_is_detected_by_the_decoded_pixels(bundle_uri: str, tmp_path: Path) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], "crop": 0.8}
    message = engine_refusal(load_bundle(edited(bundle_uri, tmp_path, preprocessing=preprocessing)))
    assert "does not decode to the pixels that it had when the bundle was written" in message


def test_a_phantom_that_does_not_decode_is_a_fault_of_the_bundle(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden" / "phantom-0.jpg").write_bytes(b"GIF89a")
    assert "unsupported_format" in engine_refusal(load_bundle(describe(folder, document_of(folder))))


def test_a_probability_that_is_off_by_more_than_the_tolerance_is_detected(bundle_uri: str, tmp_path: Path) -> None:
    entries = document_of(bundle_uri)["golden"]
    for change, fits in ((0.5e-4, True), (2e-4, False)):
        moved = copy.deepcopy(entries)
        moved[-1]["probabilities"]["nevus"] += change if moved[-1]["probabilities"]["nevus"] < 0.5 else -change
        bundle = load_bundle(edited(bundle_uri, tmp_path / str(change), golden=moved))
        if fits:
            load_engine(bundle, 8)
        else:
            assert "p_nevus" in engine_refusal(bundle)


def test_another_ood_score_is_detected(tmp_path: Path) -> None:
    bundle = write_bundle_of(tmp_path / "two", with_more(("ood_score", 1)), thresholds={"ood_above": 0.5})
    assert load_engine(bundle, 4).score(photographs(2)).ood is not None
    moved = [replace(golden, ood_score=1.0 - (golden.ood_score or 0.0)) for golden in bundle.golden]
    assert "ood_score of golden/" in engine_refusal(replace(bundle, golden=tuple(moved)))
    silent = replace(bundle, golden=tuple(replace(golden, ood_score=None) for golden in bundle.golden))
    load_engine(silent, 4)


def test_samples_are_the_same_files_every_time_and_hold_both_formats() -> None:
    files = draw_samples()
    golden._drawn.cache_clear()
    assert files == draw_samples() and len(files) == 8
    for name, data in files.items():
        header = read_header(data)
        assert name.startswith("golden/phantom-") and name.endswith({"jpeg": ".jpg", "png": ".png"}[header.format])
    assert len({read_header(data).upright_size for data in files.values()}) == 8


def test_a_golden_sample_of_every_size_is_decoded_to_one_shape() -> None:
    files = list(draw_samples().values())[:3]
    pixels = decode(files, ImageSpec(20, 30))
    assert pixels.shape == (3, 20, 30, 3)
    np.testing.assert_array_equal(pixels[1], decoding.decode(files[1], ImageSpec(20, 30)))


def described(probabilities: list[list[float]], ood: list[float] | None = None) -> list[dict[str, Any]]:
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    scores = ModelOutput(np.array(probabilities, np.float32), None if ood is None else np.array(ood, np.float32))
    return golden.describe({"a.png": b"1", "b.png": b"2"}, pixels, scores, ("melanoma", "nevus"))


def test_an_entry_holds_the_digest_of_the_pixels_and_every_score() -> None:
    first, second = described([[0.25, 0.75], [1.0, 0.0]], [0.0, 0.5])
    pixels = np.arange(4 * 4 * 3, dtype=np.uint8)
    assert first == {
        "file": "a.png",
        "tensor_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "probabilities": {"melanoma": 0.25, "nevus": 0.75},
        "ood_score": 0.0,
    }
    assert second["probabilities"] == {"melanoma": 1.0, "nevus": 0.0} and second["ood_score"] == 0.5
    assert "ood_score" not in described([[0.5, 0.5], [0.5, 0.5]])[0]


def test_a_probability_that_rounds_beyond_1_is_written_as_1() -> None:
    assert described([[1.0000002, 0.0], [0.5, 0.5]])[0]["probabilities"]["melanoma"] == 1.0


@pytest.mark.parametrize("row", [[0.5, 0.6], [-0.1, 1.1], [float("nan"), 1.0]])
def test_outputs_that_are_not_probabilities_are_refused(row: list[float]) -> None:
    with pytest.raises(BundleError, match=r"not probabilities .*end it with a softmax"):
        described([[0.5, 0.5], row])


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_out_of_range_is_refused(score: float) -> None:
    with pytest.raises(BundleError, match="the network's ood_score does not lie between 0 and 1"):
        described([[0.5, 0.5], [0.5, 0.5]], [0.5, score])


@pytest.mark.parametrize(("change", "fits"), [(0.9e-4, True), (-0.9e-4, True), (1.2e-4, False), (float("nan"), False)])
def test_scores_may_differ_by_no_more_than_the_tolerance(bundle_uri: str, change: float, fits: bool) -> None:
    bundle = load_bundle(bundle_uri)
    stated = np.array([[sample.probabilities[slug] for slug in bundle.slugs] for sample in bundle.golden])
    stated[3, 1] += change
    if fits:
        check_scores(bundle, ModelOutput(stated))
    else:
        with pytest.raises(BundleError, match=r"p_nevus of golden/phantom-3\.png is .*do not belong together"):
            check_scores(bundle, ModelOutput(stated))
