"""The same photograph gets the same probabilities, whatever shares its batch; a network that lies is found out."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from melanoma.errors import BundleError, ErrorKind
from melanoma.images import decoding
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.image_refs import ImageRef
from melanoma.ingest.loading import Loaded
from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.model.description import uniform_prior
from melanoma.model.engine import Engine, load_engine, score_all
from melanoma.model.preprocessing import Scaling
from melanoma.runs.staging import RowBuilder
from melanoma.training.calibration.ood_score import add_ood_output
from tests.helpers import ROUNDING, photograph
from tests.helpers.bundles import copied, describe, document_of, edited, with_other_weights
from tests.helpers.nights import start

SIZE = (16, 16)


def photographs(count: int) -> npt.NDArray[np.uint8]:
    return np.stack([decoding.decode(photograph(seed), ImageSpec(*SIZE)) for seed in range(count)])


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Layers that would let neighbours or chance shine through in training mode: batch normalisation, dropout."""
    keras.utils.set_random_seed(3)
    pixels = keras.Input((*SIZE, 3))
    features = layers.Conv2D(8, 3)(layers.Rescaling(1 / 255)(pixels))
    features = layers.ReLU()(layers.BatchNormalization()(features))
    features = layers.DepthwiseConv2D(3, padding="same", name="maps")(features)
    features = layers.Dropout(0.5)(features)
    features = layers.Dense(16, activation="gelu")(layers.Flatten()(features))
    return keras.Model(pixels, layers.Dense(5, activation="softmax", name="probabilities")(features))


@pytest.fixture(scope="module")
def engine(network: keras.Model) -> Engine:
    return Engine(network, SIZE, batch_size=8)


@pytest.fixture(scope="module")
def two_outputs(network: keras.Model) -> keras.Model:
    """The same network with a score of unlikeness, as training adds it."""
    return add_ood_output(network, ["maps"], photographs(64), photographs(32), batch_size=8)


def constant(*row: float) -> keras.Model:
    """A network that gives the same row whatever it sees."""
    pixels, last = keras.Input((*SIZE, 3)), layers.Dense(len(row))
    network = keras.Model(pixels, last(layers.GlobalAveragePooling2D()(pixels)))
    last.set_weights([np.zeros((3, len(row))), np.array(row)])
    return network


def test_neither_place_nor_neighbours_in_a_batch_matter(engine: Engine) -> None:
    pixels = photographs(8)
    together = engine.score(pixels).probabilities
    assert together.shape == (8, 5) and together.dtype == np.float32
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)
    assert len({row.tobytes() for row in together}) == 8
    noise = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    for index in range(8):
        alone = engine.score(pixels[index : index + 1]).probabilities
        np.testing.assert_allclose(alone[0], together[index], rtol=0, atol=ROUNDING)
        among_noise = noise.copy()
        among_noise[7 - index] = pixels[index]
        among = engine.score(among_noise).probabilities[7 - index]
        np.testing.assert_allclose(among, together[index], rtol=0, atol=ROUNDING)
    turned = engine.score(pixels[::-1]).probabilities
    np.testing.assert_allclose(turned, together[::-1], rtol=0, atol=ROUNDING)


def test_neither_place_nor_neighbours_matter_to_the_second_output(engine: Engine, two_outputs: keras.Model) -> None:
    pixels, both = photographs(8), Engine(two_outputs, SIZE, batch_size=8)
    assert engine.score(pixels).ood is None
    together = both.score(pixels)
    assert together.ood is not None and together.ood.shape == (8,) and together.ood.dtype == np.float32
    assert len(set(together.ood.tolist())) == 8
    np.testing.assert_array_equal(together.probabilities, engine.score(pixels).probabilities)
    noise = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    for index in range(8):
        noise[7 - index] = pixels[index]
        for found, place in ((both.score(pixels[index : index + 1]), 0), (both.score(noise), 7 - index)):
            assert found.ood is not None
            assert found.ood[place] == pytest.approx(together.ood[index], rel=1e-5)
    everything = score_all(Engine(two_outputs, SIZE, batch_size=3), pixels).ood
    assert everything is not None
    np.testing.assert_allclose(everything, together.ood, atol=1e-5)


def test_a_second_output_says_what_the_network_says(two_outputs: keras.Model) -> None:
    pixels = photographs(4)
    probabilities, ood = two_outputs(pixels.astype(np.float32), training=False)
    found = Engine(two_outputs, SIZE, batch_size=4, temperature=2.0).score(pixels)
    np.testing.assert_allclose(found.ood, ood.numpy()[:, 0], atol=1e-6)
    tempered = np.sqrt(probabilities.numpy())
    expected = tempered / tempered.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)


def test_the_batch_size_moves_at_most_a_hundred_thousandth(network: keras.Model) -> None:
    pixels = photographs(20)
    expected = score_all(Engine(network, SIZE, batch_size=32), pixels).probabilities
    assert expected.shape == (20, 5)
    for batch_size in (1, 2, 3, 7, 16):
        found = score_all(Engine(network, SIZE, batch_size), pixels).probabilities
        np.testing.assert_allclose(found, expected, atol=1e-5, rtol=0)


def test_a_frozen_network_says_what_the_network_says(network: keras.Model, engine: Engine) -> None:
    pixels = photographs(8)
    expected = network(pixels.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(engine.score(pixels).probabilities, expected, atol=1e-6)


@pytest.mark.parametrize(
    "scaling",
    [
        Scaling(1 / 127.5, -1.0),
        Scaling(1 / 255, 0.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        Scaling(2.0, 3.0, (10.0, 20.0, 30.0), (100.0, 200.0, 300.0)),
    ],
)
def test_scaling_is_its_formula(scaling: Scaling) -> None:
    pixels = keras.Input((*SIZE, 3))
    mirror = keras.Model(pixels, layers.GlobalAveragePooling2D()(pixels))
    photos = photographs(4)
    found = Engine(mirror, SIZE, 4, scaling).score(photos).probabilities
    scaled = (photos.astype(np.float64) * scaling.scale + scaling.offset - scaling.mean) / scaling.std
    np.testing.assert_allclose(found, scaled.mean(axis=(1, 2)), rtol=1e-5, atol=1e-5)


def test_one_sigmoid_output_becomes_two_classes() -> None:
    pixels = keras.Input((*SIZE, 3))
    scaled = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(pixels))
    network = keras.Model(pixels, layers.Dense(1, activation="sigmoid")(scaled))
    photos = photographs(3)
    found = Engine(network, SIZE, 4).score(photos).probabilities
    second = network(photos.astype(np.float32)).numpy()[:, 0]
    np.testing.assert_allclose(found, np.stack([1 - second, second], axis=1), atol=1e-6)


def test_a_temperature_divides_the_logits(network: keras.Model, engine: Engine) -> None:
    photos = photographs(8)
    logits = np.log(engine.score(photos).probabilities.astype(np.float64)) / 2.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = Engine(network, SIZE, 8, temperature=2.5).score(photos).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found.max(axis=1) < engine.score(photos).probabilities.max(axis=1)).all()


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize(
    "row",
    [
        (np.nan, 0.5, 0.5),
        (np.inf, 0.0, 0.0),
        (-0.5, 0.5, 1.0),
        (-3.0, 4.0, 1.0),
        (0.9, 0.9, 0.9),
        (0.0, 0.0, 0.0),
    ],
    ids=str,
)
def test_what_is_no_probability_fails_and_never_becomes_one(
    row: tuple[float, ...], temperature: float, bundle_uri: str, tmp_path: Path
) -> None:
    found = Engine(constant(*row), SIZE, 4, temperature=temperature).score(photographs(2))
    builder = RowBuilder(start(tmp_path, bundle_uri), load_bundle(bundle_uri))
    builder.add_scored([Loaded(ImageRef(f"file:///{index}.jpg", "v", 1, "x")) for index in range(2)], found)
    for written in builder.table().to_pylist():
        assert written["status"] == "failed" and written["error_kind"] == ErrorKind.BAD_OUTPUT.value
        assert written["p_melanoma"] is None and written["top_label"] is None and written["flag_melanoma"] is None
    assert builder.scored == 0


def test_certainty_survives_a_temperature() -> None:
    found = Engine(constant(0.0, 1.0, 0.0), SIZE, 2, temperature=3.0).score(photographs(1)).probabilities
    np.testing.assert_array_equal(found, [[0, 1, 0]])


def test_a_sound_bundle_passes_its_golden_check_at_any_batch_size(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    photos = photographs(3)
    found = [load_engine(bundle, batch_size).score(photos[:1]).probabilities for batch_size in (1, 5)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def refusal(bundle: Bundle) -> str:
    with pytest.raises(BundleError) as caught:
        load_engine(bundle, batch_size=8)
    said = str(caught.value)
    assert said.startswith(f"{bundle.uri}: ") and said.isprintable()
    return said


def test_permuted_labels_are_found_out_by_name(bundle_uri: str, tmp_path: Path) -> None:
    uri = edited(bundle_uri, tmp_path, labels=["nevus", "melanoma", "basal cell carcinoma"])
    said = refusal(load_bundle(uri))
    assert "p_nevus" in said or "p_melanoma" in said
    assert "labels, network and description do not belong together" in said


def test_another_network_is_found_out(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(with_other_weights((folder / "model.keras").read_bytes()))
    assert "do not belong together" in refusal(load_bundle(describe(folder, document_of(folder))))


@pytest.mark.parametrize(("key", "value"), [("scale", 0.5), ("offset", 40.0), ("mean", [60.0, 0.0, 0.0])])
def test_another_scaling_is_found_out(bundle_uri: str, tmp_path: Path, key: str, value: object) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], key: value}
    assert "do not belong together" in refusal(load_bundle(edited(bundle_uri, tmp_path, preprocessing=preprocessing)))


def test_another_crop_is_found_out_by_the_decoded_pixels(bundle_uri: str, tmp_path: Path) -> None:
    preprocessing = {**document_of(bundle_uri)["preprocessing"], "crop": 0.8}
    said = refusal(load_bundle(edited(bundle_uri, tmp_path, preprocessing=preprocessing)))
    assert "does not decode to the pixels that it had when the bundle was written" in said


def test_a_phantom_that_does_not_decode_is_a_fault_of_the_bundle(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "golden" / "phantom-0.jpg").write_bytes(b"GIF89a")
    assert "unsupported_format" in refusal(load_bundle(describe(folder, document_of(folder))))


def test_a_probability_that_is_off_by_more_than_the_tolerance_is_found_out(bundle_uri: str, tmp_path: Path) -> None:
    golden = document_of(bundle_uri)["golden"]
    for change, fits in ((0.5e-4, True), (2e-4, False)):
        moved = copy.deepcopy(golden)
        moved[-1]["probabilities"]["nevus"] += change if moved[-1]["probabilities"]["nevus"] < 0.5 else -change
        bundle = load_bundle(edited(bundle_uri, tmp_path / str(change), golden=moved))
        if fits:
            load_engine(bundle, 8)
        else:
            assert "p_nevus" in refusal(bundle)


def sized(height: int | None, labels: int = 3, channels: int = 3) -> keras.Model:
    pixels = keras.Input((height, height, channels))
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(pixels)))
    return keras.Model(pixels, layers.Dense(labels, activation="softmax")(features))


def with_more(*outputs: tuple[str, int]) -> keras.Model:
    """A network of three classes with more outputs, by name and width."""
    network = sized(16)
    features = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(network.input))
    more = [layers.Dense(width, activation="sigmoid", name=name)(features) for name, width in outputs]
    return keras.Model(network.input, [network.output, *more])


def write(
    uri: Path, network: keras.Model, labels: Sequence[str] = ("a", "b", "c"), size: int = 16, **changes: Any
) -> Bundle:
    about = {name: changes.pop(name) for name in ("reference", "metrics", "training") if name in changes}
    settings: dict[str, Any] = {"labels": labels, "prior": uniform_prior(labels), **changes}
    documents = BundleDocuments(card="# X\n", licence="None.\n", **about)
    return write_bundle(str(uri), network, ModelSettings(spec=ImageSpec(size, size), **settings), documents)


@pytest.mark.parametrize(
    ("build", "labels", "size", "complaint"),
    [
        (lambda: sized(16), ("a", "b"), 16, "the network gives (None, 3), the description lists 2 labels"),
        (lambda: sized(16), ("a", "b", "c"), 24, "the network takes (16, 16) pixels, the description says (24, 24)"),
        (lambda: sized(16, channels=1), ("a", "b", "c"), 16, "expected one input (n, height, width, 3)"),
        (lambda: sized(None), ("a", "b", "c"), 1, "cannot run the network"),
        (lambda: with_more(("strangeness", 1)), ("a", "b", "c"), 16, "gives ['strangeness'] [(None, 1)], expected"),
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
def test_a_network_that_does_not_fit_becomes_no_bundle(
    tmp_path: Path, build: Callable[[], keras.Model], labels: tuple[str, ...], size: int, complaint: str
) -> None:
    with pytest.raises(BundleError) as caught:
        write(tmp_path / "new", build(), labels, size)
    assert complaint in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_temperature_makes_no_probabilities_of_logits(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not probabilities"):
        write(tmp_path, constant(-1.0, 2.0, 0.5), temperature=2.0)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"prior": [0.5, 0.5]}, "2 shares in the prior for 3 labels"),
        ({"prior": [0.5, 0.5, 0.5]}, "prior sums to 1.5"),
        ({"thresholds": {"lentigo": 0.5}}, "thresholds for 'lentigo'"),
        ({"metrics": {"accuracy": float("nan")}}, "not JSON"),
        ({"training": {"seed": np.int64(3)}}, "not JSON"),
        ({"decision_rule": "majority"}, "known are balanced, argmax"),
        ({"labels": ["nv", "nevus", "c"]}, "both become the column p_nevus"),
        ({"thresholds": {"ood_above": 0.5}}, "a threshold ood_above, but the network gives no ood_score; remove it"),
        ({"reference": {"histograms": {}}}, "reference for 'histograms', expected"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BundleError) as caught:
        write(tmp_path / "new", sized(16), **changes)
    assert complaint in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_network_that_takes_any_size_scores_at_the_bundles_size(tmp_path: Path) -> None:
    bundle = write(tmp_path / "any", sized(None), size=24)
    assert load_engine(bundle, 2).score(np.zeros((1, 24, 24, 3), np.uint8)).probabilities.shape == (1, 3)


def test_another_unlikeness_is_found_out(tmp_path: Path) -> None:
    bundle = write(tmp_path / "two", with_more(("ood_score", 1)), thresholds={"ood_above": 0.5})
    assert load_engine(bundle, 4).score(photographs(2)).ood is not None
    moved = [replace(golden, ood_score=1.0 - (golden.ood_score or 0.0)) for golden in bundle.golden]
    assert "gives ood_score" in refusal(replace(bundle, golden=tuple(moved)))
    silent = replace(bundle, golden=tuple(replace(golden, ood_score=None) for golden in bundle.golden))
    load_engine(silent, 4)


def test_labels_that_do_not_fit_the_network_are_refused_when_it_is_loaded(bundle_uri: str) -> None:
    bundle = load_bundle(bundle_uri)
    assert "the description lists 2 labels" in refusal(replace(bundle, labels=bundle.labels[:2]))
