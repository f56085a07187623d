"""Replaces what follows from sizes alone by constants, in a network from elsewhere.

Exporters write sizes as computations: the width of a window is a side of the picture divided by a constant.
The shape inference of onnx follows some of the operators in them. The others are computed here, on a few numbers each.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from melanoma.model.portable.operators import words
from melanoma.model.portable.scan import checked, clear_errors, opset_of
from melanoma.model.portable.sizes import SMALL, Value, is_small, source_of, unknown_result, values_of

_Array = npt.NDArray[np.generic]
_LIGHT = words("""
    Abs Add And Cast Ceil Concat Constant ConstantOfShape Div Equal Expand Floor Gather Greater GreaterOrEqual Identity
    Less LessOrEqual Max Min Mod Mul Neg Not Or Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round ScatterND
    Sign Slice Split Sqrt Squeeze Sub Tile Transpose Unsqueeze Where""")  # of which sizes are computed


def folded(data: bytes) -> bytes:
    """Returns a network in which every size that follows from the size of one photograph is known.

    Args:
        data: An ONNX file.

    Returns:
        The same bytes if every size is known already. Otherwise a network for a batch of one, with constants in place
        of the computations; sizes that depend on the pixels stay unknown.

    Raises:
        BundleError: The file is not a plain ONNX network of listed operators.
    """
    with clear_errors():
        model = checked(data)
        if not unknown_result(model.graph, values_of(model)):
            return data
        source_of(model.graph).type.tensor_type.shape.dim[0].dim_value = 1
        while unknown_result(model.graph, values_of(model)) and _fold(model):
            pass
        return bytes(model.SerializeToString())


def _fold(model: ModelProto) -> bool:
    """Replaces what can be computed now; returns whether there was anything."""
    graph, values, kept = model.graph, values_of(model), list[NodeProto]()
    opset = opset_of(model)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if is_small(tensor)}
    before = len(graph.node)
    for node in graph.node:
        results = _results(node, opset, constants, values)
        if not results:
            kept.append(node)
            continue
        for name, result in zip(node.output, results, strict=True):
            constants[name] = result
            graph.initializer.append(numpy_helper.from_array(result, name))
    del graph.node[:]
    graph.node.extend(kept)
    return len(kept) < before


def _results(node: NodeProto, opset: int, constants: Mapping[str, _Array], values: Mapping[str, Value]) -> list[_Array]:
    """Returns the results of a node that depends on constants and sizes alone; none for any other."""
    sizes = [values[name] for name in node.output if name in values]
    is_bounded = all(size.is_known and math.prod(size.shape) <= SMALL for size in sizes)
    given = _given(node, constants, values)
    if given is None or not is_bounded or len(sizes) < len(node.output):
        return []
    found = ReferenceEvaluator(_alone(node, opset)).run(None, given)
    kinds = [onnx.helper.tensor_dtype_to_np_dtype(size.kind) for size in sizes]
    return [np.asarray(result, kind) for result, kind in zip(found, kinds, strict=True)]


def _given(node: NodeProto, constants: Mapping[str, _Array], values: Mapping[str, Value]) -> dict[str, _Array] | None:
    """Returns what a node needs, by name; None if that is more than constants and sizes."""
    if node.op_type == "Shape" and (value := values.get(node.input[0])) and value.is_known:
        return {node.input[0]: np.broadcast_to(np.float32(0), value.shape)}  # takes no memory
    names = [name for name in node.input if name]
    if node.op_type not in _LIGHT or not all(name in constants for name in names):
        return None
    return {name: constants[name] for name in names}


def _alone(node: NodeProto, opset: int) -> ModelProto:
    """Returns a network of one node."""
    inputs, outputs = (
        [onnx.helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in names if name]
        for names in (node.input, node.output)
    )
    graph = onnx.helper.make_graph([node], "alone", inputs, outputs)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
