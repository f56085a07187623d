"""A bundle's `model.onnx` takes pixels and returns probabilities, or it is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import ModelProto, TensorProto, helper

from melanoma.errors import BundleError
from melanoma.model.bundle import load_bundle
from melanoma.model.portable.contract import scan_portable
from tests.helpers.bundles import copied, describe, document_of, refusal, with_other_weights
from tests.helpers.onnx_networks import loaded, network


@pytest.fixture(scope="module")
def portable(bundle_uri: str) -> bytes:
    return Path(bundle_uri, "model.onnx").read_bytes()


def test_the_file_of_a_bundle_states_its_sizes(portable: bytes) -> None:
    facts = scan_portable(portable)
    assert facts.input_shape == (16, 16, 3) and facts.num_classes == 3 and not facts.has_ood_score
    assert facts.opset == 17 and facts.parameters > 0 and len(facts.source) == 64


def _renamed_input(model: ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "photographs"


def _float_input(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def _batch_of_four(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4


def _other_output(model: ModelProto) -> None:
    model.graph.node[-1].output[0] = model.graph.output[0].name = "answers"


def _second_output(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["probabilities"], ["ood_score"]))
    model.graph.output.append(helper.make_tensor_value_info("ood_score", TensorProto.FLOAT, ["n", 3]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_renamed_input, "it takes 'photographs'"),
        (_float_input, "it takes 'pixels'"),
        (_batch_of_four, "(4, 16, 16, 3)"),
        (_other_output, "it returns [('answers', 2)]"),
        (_second_output, "('ood_score', 2)"),
    ],
)
def test_another_input_or_output_is_refused(portable: bytes, change: Callable[[ModelProto], None], found: str) -> None:
    model = loaded(portable)
    change(model)
    with pytest.raises(BundleError, match=r"^model\.onnx: .*make it again with melanoma bundle convert$") as caught:
        scan_portable(model.SerializeToString())
    assert found in str(caught.value)


def test_a_bundle_with_the_portable_form_of_another_network_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.keras").write_bytes(with_other_weights((folder / "model.keras").read_bytes()))
    assert "was made from another network" in refusal(describe(folder, document_of(folder)))


@pytest.mark.parametrize("change", [{"temperature": 2.0}, {"image_size": [16, 32]}])
def test_a_bundle_whose_settings_are_not_those_inside_is_refused(
    bundle_uri: str, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = copied(bundle_uri, tmp_path)
    line = refusal(describe(folder, {**document_of(folder), **change}))
    assert "was made from another network, preprocessing or temperature" in line or "image_size" in line


def test_a_bundle_with_too_few_labels_for_its_portable_form_is_refused(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    document = document_of(folder)
    document["labels"] = document["labels"][:2]
    document["prior"] = {"melanoma": 0.5, "nevus": 0.5}
    document["reference"] = {}
    for sample in document["golden"]:
        sample["probabilities"] = {"melanoma": 0.5, "nevus": 0.5}
    assert "model.onnx returns 3 probabilities, bundle.json lists 2 labels" in refusal(describe(folder, document))


def test_a_changed_portable_form_is_refused_before_it_is_parsed(bundle_uri: str, tmp_path: Path) -> None:
    folder = copied(bundle_uri, tmp_path)
    (folder / "model.onnx").write_bytes(network().SerializeToString())
    assert "'model.onnx' has sha256" in refusal(str(folder))
    assert "it takes 'image'" in refusal(describe(folder, document_of(folder)))
    assert load_bundle(bundle_uri).portable is not None
