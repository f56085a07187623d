"""The same network has the same bytes, however a converter has named and ordered its parts."""

import numpy as np
from onnx import ModelProto, TensorProto, helper

from melanoma.model.portable.canonical import canonical
from tests.helpers.onnx_networks import loaded, network

PICTURE = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 16, 16])


def written(model: ModelProto, source: str = "x", output: str = "answers") -> bytes:
    return canonical(model, 17, [PICTURE], {output: "probabilities"}, source)


def test_names_order_and_notes_of_a_converter_leave_no_trace() -> None:
    plain, other = network(), network()
    names = {name: f"{name}:{number}__42" for number, name in enumerate(("kernel", "bias", "dense", "pooled", "flat"))}
    for node in other.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        node.name, node.doc_string = f"node of {node.op_type}", "made on a Monday"
    for weight in other.graph.initializer:
        weight.name = names[weight.name]
    reordered = list(reversed(other.graph.initializer))
    del other.graph.initializer[:]
    other.graph.initializer.extend(reordered)
    other.producer_name, other.doc_string = "somebody", "else"
    assert written(other) == written(plain)


def test_another_weight_source_or_order_of_operators_is_another_file() -> None:
    assert len({written(network()), written(network(seed=1)), written(network(), "y")}) == 3


def test_nodes_that_no_output_needs_are_left_out() -> None:
    model = network()
    model.graph.node.append(helper.make_node("Relu", ["scores"], ["unused"]))
    assert written(model) == written(network())


def test_the_numbers_stay_what_they_were() -> None:
    model = loaded(written(network()))
    assert [node.op_type for node in model.graph.node] == [
        *("Conv", "Relu", "GlobalAveragePool", "Flatten", "Gemm", "Softmax")
    ]
    kernel = next(weight for weight in model.graph.initializer if list(weight.dims) == [2, 3, 3, 3])
    expected = next(weight for weight in network().graph.initializer if weight.name == "kernel")
    assert np.array_equal(np.frombuffer(kernel.raw_data, np.float32), np.frombuffer(expected.raw_data, np.float32))
    (output,) = model.graph.output
    assert output.name == "probabilities" and output.type.tensor_type.shape.dim[1].dim_value == 3
