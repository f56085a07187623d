"""A bundle gets the portable form of its network, with the same bytes every time, and stays the same model."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from melanoma.errors import BundleError
from melanoma.model import portable_form
from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput
from melanoma.model.engine import load_engine, score_all
from melanoma.model.portable_form import convert_bundle, largest_difference
from melanoma.model.preprocessing import Scaling
from tests.helpers.bundles import document_of, without_portable
from tests.helpers.networks import photographs, sized, with_more, write_bundle_of

SCALING = Scaling(1 / 255, -0.1, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))


def test_an_old_bundle_becomes_one_that_needs_no_tensorflow_and_stays_the_same_model(
    bundle_uri: str, tmp_path: Path
) -> None:
    old = load_bundle(without_portable(bundle_uri, tmp_path))
    new = convert_bundle(old.uri, str(tmp_path / "new"))
    assert new.model_id == old.model_id and new.digest != old.digest
    before, after = document_of(old.uri.removeprefix("file://")), document_of(tmp_path / "new")
    assert after["files"].keys() - before["files"].keys() == {"model.onnx"}
    assert after["versions"].pop("converter").startswith("tf2onnx-")
    assert {**after, "files": before["files"]} == before
    expected = load_engine(old, 8, "tensorflow").score(photographs(6)).probabilities
    found = load_engine(new, 8, "onnxruntime").score(photographs(6)).probabilities
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_same_network_has_the_same_portable_form_every_time(bundle_uri: str, tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        convert_bundle(bundle_uri, str(tmp_path / str(number)))
        digests.add(json.loads((tmp_path / str(number) / "bundle.json").read_text())["files"]["model.onnx"])
    assert digests == {document_of(bundle_uri)["files"]["model.onnx"]}


@pytest.mark.parametrize(
    ("network", "labels"),
    [
        (lambda: sized(16), ("a", "b", "c")),
        (lambda: with_more(("ood_score", 1)), ("a", "b", "c")),
        (lambda: _sigmoid(), ("a", "b")),
    ],
)
def test_scaling_temperature_and_every_output_are_inside(
    network: object, labels: tuple[str, ...], tmp_path: Path
) -> None:
    keras.utils.set_random_seed(3)
    bundle = write_bundle_of(tmp_path / "b", network(), labels, scaling=SCALING, temperature=2.3)  # type: ignore[operator]
    pixels = photographs(9)
    expected = score_all(load_engine(bundle, 4, "tensorflow"), pixels)
    for name in ("onnxruntime", "openvino"):
        assert largest_difference(expected, score_all(load_engine(bundle, 4, name), pixels)) <= 1e-5
    assert expected.probabilities.shape == (9, len(labels))


def _sigmoid() -> keras.Model:
    pixels = keras.Input((16, 16, 3))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(pixels))
    return keras.Model(pixels, layers.Dense(1, activation="sigmoid")(features))


def test_an_engine_that_differs_is_refused_by_name(
    bundle_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portable_form, "TOLERANCE", 0.0)
    with pytest.raises(BundleError, match=r"onnxruntime-.* differs from TensorFlow by .*--engine tensorflow"):
        convert_bundle(bundle_uri, str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_network_without_portable_form_still_makes_a_bundle(tmp_path: Path) -> None:
    pixels = keras.Input((16, 16, 3))
    turned = layers.RandomRotation(0.1)(layers.Resizing(8, 8, antialias=True)(pixels))
    network = keras.Model(pixels, layers.Dense(3, activation="softmax")(layers.Flatten()(turned)))
    bundle = write_bundle_of(tmp_path / "b", network)
    assert bundle.portable is None and load_engine(bundle, 2).version.startswith("tensorflow")
    with pytest.raises(BundleError, match="cannot be converted to ONNX"):
        convert_bundle(bundle.uri, str(tmp_path / "new"))


def test_the_largest_difference_counts_what_is_missing_or_no_number_as_infinite() -> None:
    first = ModelOutput(np.array([[0.5, 0.5]], np.float32), np.array([0.1], np.float32))
    assert largest_difference(first, first) == 0
    assert largest_difference(first, first._replace(ood=np.array([0.3], np.float32))) == pytest.approx(0.2)
    assert largest_difference(first, first._replace(ood=None)) == np.inf
    assert largest_difference(first, ModelOutput(np.array([[np.nan, 0.5]], np.float32), first.ood)) == np.inf


def test_nothing_is_written_into_a_folder_that_holds_a_bundle(bundle_uri: str) -> None:
    with pytest.raises(BundleError, match="never replaced"):
        convert_bundle(bundle_uri, bundle_uri)
