"""No ONNX file that does more than compute passes the scan, and none of unknown size."""

import os
import random
from collections.abc import Callable

import numpy as np
import pytest
from onnx import AttributeProto, ModelProto, TensorProto, helper

from melanoma.errors import BundleError
from melanoma.model.portable.scan import scan
from tests.helpers.onnx_networks import changed, network, with_node, with_weight

Change = Callable[[ModelProto], object]


def refusal(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        scan(data)
    line = str(caught.value)
    assert line.isprintable() and len(line) < 400
    return line


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("batch", ["N", 1])
def test_a_sound_network_passes_with_its_sizes(channels_first: bool, batch: int | str) -> None:
    found = scan(network(channels_first=channels_first, batch=batch).SerializeToString())
    assert found.source.shape == ((1, 3, 16, 16) if channels_first else (1, 16, 16, 3))
    assert [result.shape for result in found.results] == [(1, 3)]
    assert found.source.kind == TensorProto.FLOAT and found.opset == 17
    assert found.parameters == 2 * 3 * 3 * 3 + 2 * 3 + 3


def _external(model: ModelProto) -> None:
    weight = model.graph.initializer[0]
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.append(helper.make_model(model.graph).metadata_props.add(key="location", value="/etc/passwd"))


def _constant(model: ModelProto, tensor: TensorProto) -> None:
    with_node(model, "Constant", (), value=tensor)


def _lying(model: ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 1_000_000


def _negative(model: ModelProto) -> None:
    model.graph.initializer[0].dims[0] = -2


def _subgraph(model: ModelProto) -> None:
    with_weight(model, "yes", np.array(True))
    branch = helper.make_graph([helper.make_node("Identity", ["answers"], ["inner"])], "b", [], [model.graph.output[0]])
    with_node(model, "If", ("yes",), then_branch=branch, else_branch=branch)


def _graph_in_a_listed_operator(model: ModelProto) -> None:
    node = with_node(model, "Identity")
    node.attribute.append(AttributeProto(name="body", type=AttributeProto.GRAPH, g=model.graph))


def _function(model: ModelProto) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [node], [helper.make_opsetid("", 17)]))


def _second_input(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1]))


def _weight_twice(model: ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _out_of_order(model: ModelProto) -> None:
    first = model.graph.node.pop(0)
    model.graph.node.append(first)


def _result_twice(model: ModelProto) -> None:
    model.graph.node.append(model.graph.node[0])


def _huge(model: ModelProto) -> None:
    with_weight(model, "shape", np.array([100_000, 100_000]))
    with_node(model, "ConstantOfShape", ("shape",))


def _grown(model: ModelProto) -> None:
    with_weight(model, "times", np.array([1, 2**28]))
    with_node(model, "Tile", ("answers", "times"))


def _many(model: ModelProto) -> None:
    for number in range(20_001):
        model.graph.node.append(helper.make_node("Identity", ["answers"], [f"copy{number}"]))


def _shape_from_pixels(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Cast", ["answers"], ["whole"], to=TensorProto.INT64))
    with_weight(model, "first", np.array([0, 1]))
    model.graph.node.append(helper.make_node("Gather", ["whole", "first"], ["row"], axis=1))
    model.graph.node.append(helper.make_node("Flatten", ["row"], ["flat row"], axis=0))
    with_weight(model, "axis", np.array([0]))
    model.graph.node.append(helper.make_node("Squeeze", ["flat row", "axis"], ["sides"]))
    with_node(model, "ConstantOfShape", ("sides",))


def _random(model: ModelProto) -> None:
    with_node(model, "RandomNormalLike")


def _training_dropout(model: ModelProto) -> None:
    with_weight(model, "ratio", np.array(0.5, np.float32))
    with_weight(model, "training", np.array(True))
    with_node(model, "Dropout", ("answers", "ratio", "training"))


def _strings(model: ModelProto) -> None:
    model.graph.initializer.append(helper.make_tensor("names", TensorProto.STRING, [1], [b"x"]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_external, "lies in another file"),
        (_lying, "bytes or numbers"),
        (_negative, "has the shape"),
        (_subgraph, "'If' of the domain '' is not on the list"),
        (_graph_in_a_listed_operator, "which holds more than numbers"),
        (_function, "it defines 1 functions"),
        (_second_input, "it has 2 inputs"),
        (_weight_twice, "the name of another"),
        (_out_of_order, "before it exists"),
        (_result_twice, "replaces"),
        (_huge, "numbers; expected at most"),
        (_grown, "numbers; expected at most"),
        (_many, "it has 20,007 nodes"),
        (_shape_from_pixels, "depends on more than the batch"),
        (_random, "'RandomNormalLike' of the domain '' is not on the list"),
        (_training_dropout, "may be set to training"),
        (_strings, "has the type 8"),
        (lambda model: with_node(model, "Relu", domain="evil"), "of the domain 'evil' is not on the list"),
        (lambda model: model.opset_import.append(helper.make_opsetid("com.microsoft", 1)), "com.microsoft"),
        (lambda model: model.opset_import.append(helper.make_opsetid("", 17)), "have the versions [17, 17]"),
        (lambda model: model.opset_import[0].CopyFrom(helper.make_opsetid("", 99)), "have the versions [99]"),
        (lambda model: model.training_info.add(), "it holds a training"),
        (lambda model: model.graph.sparse_initializer.add(), "sparse"),
        (lambda model: model.graph.ClearField("node"), "it has 0 nodes"),
        (lambda model: with_node(model, "Flatten", axis=17), "it does not open"),
        (lambda model: with_node(model, "Gemm", ("answers", "kernel")), "it does not open"),
        (lambda model: model.graph.input[0].type.Clear(), "its input has no shape"),
    ],
)
def test_a_network_that_does_more_than_compute_is_refused(change: Change, found: str) -> None:
    assert found in refusal(changed(change))


def test_the_size_of_a_file_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("melanoma.model.portable.scan.MAX_BYTES", 100)
    assert "expected at most 100" in refusal(network().SerializeToString())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04", os.urandom(999), b"\x0a" * 10_000])
def test_other_files_are_refused(data: bytes) -> None:
    refusal(data)


def test_a_mutated_file_is_refused_or_is_still_a_network_of_known_sizes() -> None:
    sound, rng = network().SerializeToString(), random.Random(7)
    refused = 0
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            found = scan(bytes(data[: rng.randint(1, len(data))] if rng.random() < 0.2 else data))
        except BundleError:
            refused += 1
        else:
            assert all(min(result.shape) >= 0 for result in found.results)
    assert 0 < refused < 300
