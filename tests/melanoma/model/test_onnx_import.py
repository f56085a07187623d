"""An ONNX file from elsewhere scores here as its own framework says, or is refused."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from melanoma.errors import BundleError
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_contents import ModelSettings
from melanoma.model.engine import load_engine, usable_engines
from melanoma.model.onnx_import import engine_maker, import_onnx
from melanoma.model.portable.foreign import OnnxNetwork
from melanoma.model.preprocessing import Scaling
from tests.helpers.bundles import describe, document_of, refusal
from tests.helpers.networks import photographs
from tests.helpers.onnx_networks import answers, network, with_node

SCALING = Scaling(1 / 255, 0.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LABELS = ("melanoma", "nevus", "scc")


def settings(labels: tuple[str, ...] = LABELS, scaling: Scaling = SCALING) -> ModelSettings:
    return ModelSettings(labels=labels, spec=ImageSpec(16, 16), prior=(1 / len(labels),) * len(labels), scaling=scaling)


def imported(path: Path, given: OnnxNetwork, about: ModelSettings | None = None) -> str:
    return import_onnx(given, "model.onnx", str(path), about or settings(), "Ours.\n").uri


def scaled(pixels: np.ndarray, channels: str = "rgb") -> np.ndarray:
    """Applies `SCALING` by NumPy alone."""
    values = (pixels / 255 - np.array(SCALING.mean)) / np.array(SCALING.std)
    return (values[..., ::-1] if channels == "bgr" else values).astype(np.float32)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize(("ending", "outputs"), [("Softmax", "softmax"), (None, "logits")])
def test_the_answers_are_those_of_the_network_itself(
    tmp_path: Path, engine: str, channels: str, channels_first: bool, ending: str | None, outputs: str
) -> None:
    data = network(channels_first=channels_first, ending=ending).SerializeToString()
    uri = imported(tmp_path / "b", OnnxNetwork(data, (16, 16), outputs, channels))
    pixels = photographs(4)
    found = load_engine(load_bundle(uri), 4, engine).score(pixels).probabilities
    np.testing.assert_allclose(found, answers(scaled(pixels, channels)), rtol=0, atol=1e-5)
    if channels == "bgr":
        assert np.abs(found - answers(scaled(pixels))).max() > 1e-3


@pytest.mark.parametrize(("ending", "outputs"), [("Sigmoid", "sigmoid"), (None, "logits")])
def test_one_number_is_the_probability_of_the_second_class(tmp_path: Path, ending: str | None, outputs: str) -> None:
    data = network(ending=ending, classes=1).SerializeToString()
    uri = imported(tmp_path / "b", OnnxNetwork(data, (16, 16), outputs), settings(("other", "melanoma")))
    pixels = photographs(3)
    found = load_engine(load_bundle(uri), 4).score(pixels).probabilities
    expected = answers(scaled(pixels), "Sigmoid", classes=1)
    np.testing.assert_allclose(found, np.concatenate([1 - expected, expected], axis=1), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "change", [{"batch": 1}, {"batch": 4}, {"opset": 13}, {"opset": 12}, {"opset": 20}, {"size": ("h", "w")}], ids=str
)
def test_fixed_batches_open_sizes_and_other_versions_of_operators_are_taken(
    tmp_path: Path, change: dict[str, object]
) -> None:
    data = network(**change).SerializeToString()  # type: ignore[arg-type]
    bundle = load_bundle(imported(tmp_path / "b", OnnxNetwork(data, (16, 16))))
    pixels = photographs(3)
    for engine in ("onnxruntime", "openvino"):
        found = load_engine(bundle, 4, engine).score(pixels).probabilities
        np.testing.assert_allclose(found, answers(scaled(pixels)), rtol=0, atol=1e-5)


def test_the_bundle_needs_no_keras_and_says_where_it_comes_from(tmp_path: Path) -> None:
    data = network().SerializeToString()
    bundle = load_bundle(imported(tmp_path / "b", OnnxNetwork(data, (16, 16))))
    assert bundle.facts is None and "model.keras" not in bundle.files and bundle.description["engine"] == "onnx"
    assert usable_engines(bundle) == ["onnxruntime", "openvino"]
    assert "ONNX file with sha256" in bundle.files["card.md"].decode()
    with pytest.raises(BundleError, match=r"no model\.keras, which --engine tensorflow needs; choose --engine"):
        usable_engines(bundle, "tensorflow")


def test_another_network_or_channel_order_is_another_model_and_the_same_one_the_same(tmp_path: Path) -> None:
    ids = []
    for number, (seed, channels) in enumerate([(0, "rgb"), (0, "rgb"), (1, "rgb"), (0, "bgr")]):
        given = OnnxNetwork(network(seed=seed).SerializeToString(), (16, 16), "softmax", channels)
        ids.append(load_bundle(imported(tmp_path / str(number), given)).model_id)
    assert ids[0] == ids[1] and len(set(ids)) == 3


def test_another_scaling_in_the_description_is_refused(tmp_path: Path) -> None:
    folder = Path(
        imported(tmp_path / "b", OnnxNetwork(network().SerializeToString(), (16, 16))).removeprefix("file://")
    )
    preprocessing = {**document_of(folder)["preprocessing"], "scale": 1.0}
    assert "another network, preprocessing or temperature" in refusal(
        describe(folder, {**document_of(folder), "preprocessing": preprocessing})
    )


def _two_outputs() -> bytes:
    model = network()
    model.graph.output.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3]))
    return model.SerializeToString()


def _loop() -> bytes:
    model = network()
    with_node(model, "Loop", ("", "", "answers"), body=helper.make_graph([], "b", [], []))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("given", "labels", "found"),
    [
        (OnnxNetwork(network().SerializeToString(), (16, 16)), LABELS[:2], "it returns 3 probabilities, expected one"),
        (OnnxNetwork(network().SerializeToString(), (16, 16), "sigmoid"), LABELS, "several do not sum to 1"),
        (OnnxNetwork(network(classes=1).SerializeToString(), (16, 16)), LABELS[:2], "it returns one number; say what"),
        (OnnxNetwork(network(ending=None).SerializeToString(), (16, 16)), LABELS, "are not probabilities"),
        (OnnxNetwork(network(size=(20, 16)).SerializeToString(), (16, 16)), LABELS, "(1, 3, 20, 16); expected"),
        (OnnxNetwork(network(batch=257).SerializeToString(), (16, 16)), LABELS, "a batch that is open or 1 to 256"),
        (OnnxNetwork(_two_outputs(), (16, 16)), LABELS, "it has 2 outputs"),
        (OnnxNetwork(_loop(), (16, 16)), LABELS, "'Loop' of the domain '' is not on the list"),
        (OnnxNetwork(b"\x08\x08:\x00", (16, 16)), LABELS, "model.onnx: "),
    ],
)
def test_a_network_that_is_not_what_it_is_said_to_be_is_refused(
    tmp_path: Path, given: OnnxNetwork, labels: tuple[str, ...], found: str
) -> None:
    with pytest.raises(BundleError, match=r"^model\.onnx: ") as caught:
        imported(tmp_path / "b", given, settings(labels))
    assert found in str(caught.value)
    assert not (tmp_path / "b").exists()


def test_engines_for_other_scalings_are_made_to_find_out_why_answers_differ() -> None:
    make = engine_maker(OnnxNetwork(network().SerializeToString(), (16, 16)))
    pixels = photographs(2)
    found = make(settings(scaling=Scaling()), 2).score(pixels).probabilities
    np.testing.assert_allclose(found, answers(pixels.astype(np.float32)), rtol=0, atol=1e-4)
