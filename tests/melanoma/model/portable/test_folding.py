"""Sizes that exporters write as computations are worked out; what depends on the pixels is not."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from melanoma.errors import BundleError
from melanoma.model.portable.folding import folded
from melanoma.model.portable.scan import scan
from tests.helpers.onnx_networks import loaded, network, with_node, with_weight


def halves(axis: int = 1) -> bytes:
    """Returns a network that reshapes to half of a dimension of its answers, as window attention does."""
    model = network(classes=4)
    shape = ["shape", "side", "half", "sides"]
    with_weight(model, "place", np.array([axis]))
    with_weight(model, "two", np.array([2]))
    nodes = [("Shape", ["answers"]), ("Gather", ["shape", "place"]), ("Div", ["side", "two"])]
    for (operator, inputs), name in zip(nodes, shape, strict=False):
        model.graph.node.append(helper.make_node(operator, inputs, [name]))
    model.graph.node.append(helper.make_node("Concat", ["two", "half"], ["sides"], axis=0))
    with_node(model, "Reshape", ("answers", "sides"))
    return model.SerializeToString()


def test_a_size_that_is_divided_is_known_afterwards() -> None:
    data = halves()
    with pytest.raises(BundleError, match="the size of 'more' depends on more than the batch"):
        scan(data)
    found = scan(folded(data))
    assert [result.shape for result in found.results] == [(2, 2)]
    assert [node.op_type for node in found.model.graph.node][-1] == "Reshape"
    assert not {"Shape", "Div"} & {node.op_type for node in found.model.graph.node}


def test_a_network_of_known_sizes_stays_as_it_is() -> None:
    data = network().SerializeToString()
    assert folded(data) == data


def test_a_size_that_depends_on_pixels_stays_unknown() -> None:
    model = network()
    model.graph.node.append(helper.make_node("Cast", ["answers"], ["whole"], to=TensorProto.INT64))
    with_weight(model, "row", np.array([-1]))
    model.graph.node.append(helper.make_node("Reshape", ["whole", "row"], ["sides"]))
    with_node(model, "ConstantOfShape", ("sides",))
    with pytest.raises(BundleError, match="the size of 'more' depends on more than the batch"):
        scan(folded(model.SerializeToString()))


def test_nothing_large_is_computed() -> None:
    model = loaded(halves())
    with_weight(model, "many", np.array([50_000, 50_000]))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["many"], ["zeros"]))
    found = loaded(folded(model.SerializeToString()))
    assert "ConstantOfShape" in {node.op_type for node in found.graph.node}
    with pytest.raises(BundleError, match="expected at most"):
        scan(found.SerializeToString())


def test_a_listed_operator_is_needed_for_sizes_too() -> None:
    model = loaded(halves())
    with_node(model, "RandomNormalLike")
    with pytest.raises(BundleError, match="'RandomNormalLike'"):
        folded(model.SerializeToString())
