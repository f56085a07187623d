"""The size of every result of a portable network for one photograph, worked out without a single large weight."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from melanoma.errors import BundleError

SMALL = 4096  # bytes of a constant whose value may decide a shape
_MAX_NUMBERS, _MAX_TOTAL = 2**26, 2**30  # of one intermediate result, and of all of them, for one photograph


@dataclass(frozen=True)
class Value:
    """An input or a result of a network.

    Attributes:
        name: Its name.
        kind: Number type, as `TensorProto` numbers them.
        shape: Dimensions for one photograph; -1 for one that does not follow from the file.
    """

    name: str
    kind: int
    shape: tuple[int, ...]

    @property
    def is_known(self) -> bool:
        """Whether every dimension follows from the file."""
        return min(self.shape, default=0) >= 0


def require(fits: bool, found: str, expected: str) -> None:
    """Raises a `BundleError` unless something fits."""
    if not fits:
        raise BundleError(f"{found}; expected {expected}")


def source_of(graph: GraphProto) -> ValueInfoProto:
    """Returns the one input that is not a weight.

    Raises:
        BundleError: There are several, or none.
    """
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    require(len(inputs) == 1, f"it has {len(inputs)} inputs", "one")
    return inputs[0]


def values_of(model: ModelProto) -> dict[str, Value]:
    """Returns the input and every result by name, for one photograph where the batch is open.

    Args:
        model: A network whose operators and weights have been checked.

    Raises:
        BundleError: It has several inputs, or one without a shape.
        Exception: onnx raises several types for operators that do not fit together.
    """
    skeleton = _skeleton(model)
    onnx.checker.check_model(skeleton)
    inferred = onnx.shape_inference.infer_shapes(skeleton, check_type=True, strict_mode=True, data_prop=True).graph
    found = (*inferred.input, *inferred.value_info)
    return {value.name: Value(value.name, value.type.tensor_type.elem_type, _shape(value)) for value in found}


def is_small(tensor: TensorProto) -> bool:
    """Tells whether a constant may decide a shape."""
    return len(tensor.raw_data) <= SMALL and math.prod(tensor.dims) <= SMALL


def _skeleton(model: ModelProto) -> ModelProto:
    """Returns a copy for one photograph that states the shapes of large weights in place of their numbers.

    It states no outputs, so that nothing is believed of what the file says about them.
    """
    graph = model.graph
    skeleton = ModelProto(ir_version=max(4, model.ir_version), opset_import=model.opset_import)
    skeleton.graph.CopyFrom(GraphProto(name="network", node=map(_known, graph.node)))
    for tensor in graph.initializer:
        if is_small(tensor):
            skeleton.graph.initializer.append(tensor)
        else:
            weight = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            skeleton.graph.input.append(weight)
    skeleton.graph.input.append(source_of(graph))
    sides = skeleton.graph.input[-1].type.tensor_type.shape.dim
    require(bool(sides), "its input has no shape", "batch, height, width and channels")
    if not sides[0].HasField("dim_value"):
        sides[0].dim_value = 1
    return skeleton


def _known(node: NodeProto) -> NodeProto:
    """Returns an operator of which onnx 1.23 knows the size, in place of one of which it does not."""
    if node.op_type == "GroupNormalization":
        return NodeProto(op_type="Identity", input=node.input[:1], output=node.output)
    return node


def _shape(value: ValueInfoProto) -> tuple[int, ...]:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return (-1,)
    return tuple(side.dim_value if side.HasField("dim_value") else -1 for side in kind.shape.dim)


def unknown_result(graph: GraphProto, values: Mapping[str, Value]) -> str | None:
    """Returns the name of the first result whose size does not follow from the file; None if all do."""
    names = (name for node in graph.node for name in node.output if name)
    return next((name for name in names if name not in values or not values[name].is_known), None)


def check_sizes(graph: GraphProto, values: Mapping[str, Value]) -> None:
    """Checks that every result has a known, bounded size.

    Raises:
        BundleError: One has not.
    """
    unknown = unknown_result(graph, values)
    require(unknown is None, f"the size of {unknown!a:.60} depends on more than the batch", "fixed sizes")
    total = 0
    for name in [name for node in graph.node for name in node.output if name]:
        size = math.prod(values[name].shape)
        require(size <= _MAX_NUMBERS, f"{name!a:.60} has {size:,} numbers", f"at most {_MAX_NUMBERS:,}")
        total += size
    require(total <= _MAX_TOTAL, f"its results have {total:,} numbers", f"at most {_MAX_TOTAL:,} together")
