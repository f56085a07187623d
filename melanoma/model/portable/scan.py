"""The static scan of a portable network, before any engine may touch it.

An engine is a large program in C++ that trusts what it loads. So a file passes because of what it is (listed operators
of the standard domain, plain numbers inside the file, every intermediate result of a known, bounded size), never
because nothing known to be bad was found. This is the second line of defence; the digests of the bundle are the first.
No engine is imported here.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from melanoma.errors import BundleError
from melanoma.model.portable.operators import BYTES, FIELDS, OPERATORS
from melanoma.wording import first_line

MAX_BYTES = 256 * 2**20
_MAX_NODES, _MAX_DIMENSIONS = 20_000, 8
_MAX_NUMBERS, _MAX_TOTAL = 2**26, 2**30  # of one intermediate result, and of all of them, for one photograph
_SMALL = 4096  # bytes of a constant whose value may decide a shape
_OPSETS = range(11, 24)
_ATTRIBUTES = frozenset(
    [
        *(AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.STRING, AttributeProto.TENSOR),
        *(AttributeProto.FLOATS, AttributeProto.INTS, AttributeProto.STRINGS),
    ]
)
_STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class Value:
    """An input or output of a network.

    Attributes:
        name: Its name.
        kind: Number type, as `TensorProto` numbers them.
        shape: Dimensions for one photograph, of which the first is 1.
    """

    name: str
    kind: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ScannedNetwork:
    """A network that has passed the scan.

    Attributes:
        model: The parsed file.
        source: Its one input.
        results: Its outputs, in their order.
        opset: Version of the operators.
        parameters: Number of weights.
    """

    model: ModelProto
    source: Value
    results: tuple[Value, ...]
    opset: int
    parameters: int


def scan(data: bytes) -> ScannedNetwork:
    """Scans an ONNX file without running or optimising anything of it.

    Raises:
        BundleError: The file is not a plain ONNX network of listed operators, or the size of a result is not known or
            too large.
    """
    try:
        _require(len(data) <= MAX_BYTES, f"it has {len(data):,} bytes", f"at most {MAX_BYTES:,}")
        model = ModelProto.FromString(data)
        opset = _check_model(model)
        _check_tensors(model.graph)
        _check_nodes(model.graph)
        return _sized(model, opset)
    except BundleError:
        raise
    except Exception as error:  # hostile bytes make protobuf and onnx raise nearly every type there is
        raise BundleError(
            f"it does not open ({type(error).__name__}: {first_line(error)!a:.160}); expected a network of ONNX"
        ) from error


def _require(fits: bool, found: str, expected: str) -> None:
    if not fits:
        raise BundleError(f"{found}; expected {expected}")


def _check_model(model: ModelProto) -> int:
    """Checks everything around the graph, and returns the version of the operators."""
    versions = [entry.version for entry in model.opset_import if entry.domain in _STANDARD]
    others = sorted({entry.domain for entry in model.opset_import} - {*_STANDARD})
    _require(not others, f"it uses the operators of {', '.join(others)!a:.80}", "those of ONNX alone")
    known = len(versions) == 1 and versions[0] in _OPSETS
    _require(known, f"its operators have the versions {versions}", f"one from {_OPSETS[0]} to {_OPSETS[-1]}")
    _require(not model.functions, f"it defines {len(model.functions)} functions", "none")
    _require(not model.training_info, "it holds a training", "a network that only scores")
    graph = model.graph
    _require(
        not graph.sparse_initializer and not graph.quantization_annotation, "it holds sparse weights", "plain ones"
    )
    _require(0 < len(graph.node) <= _MAX_NODES, f"it has {len(graph.node):,} nodes", f"1 to {_MAX_NODES:,}")
    return int(versions[0])


def _check_tensors(graph: GraphProto) -> None:
    for tensor in graph.initializer:
        _check_tensor(tensor)
    names = [tensor.name for tensor in graph.initializer]
    _require(len(set(names)) == len(names) and all(names), "a weight has no name or the name of another", "one each")


def _check_tensor(tensor: TensorProto) -> None:
    """Checks that the numbers of a tensor lie in the file, and that there are as many as its shape says."""
    name = f"the weight {tensor.name!a:.60}"
    is_inside = tensor.data_location == TensorProto.DEFAULT and not tensor.external_data
    _require(is_inside, f"{name} lies in another file", "every weight inside model.onnx")
    _require(tensor.data_type in BYTES, f"{name} has the type {tensor.data_type}", "plain numbers")
    plain = len(tensor.dims) <= _MAX_DIMENSIONS and all(side >= 0 for side in tensor.dims)
    _require(plain and not tensor.HasField("segment"), f"{name} has the shape {list(tensor.dims)!a:.80}", "a plain one")
    count = math.prod(tensor.dims)
    if tensor.raw_data:
        found, wanted = len(tensor.raw_data), count * BYTES[tensor.data_type]
    else:
        found, wanted = len(getattr(tensor, FIELDS.get(tensor.data_type, "int32_data"))), count
    _require(found == wanted, f"{name} has {found:,} bytes or numbers", f"{wanted:,} for its shape")


def _check_nodes(graph: GraphProto) -> None:
    """Checks that nodes only compute, each from what came before it."""
    known = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input}
    for node in graph.node:
        fault = next(_node_faults(node), None)
        _require(fault is None, f"{node.op_type!a:.40} {fault}", "only common operators of ONNX")
        unknown = [name for name in node.input if name and name not in known]
        _require(not unknown, f"{node.op_type} uses {unknown[:1]!a:.80} before it exists", "nodes in their order")
        results = [name for name in node.output if name]
        _require(known.isdisjoint(results), f"{node.op_type} replaces {results[:1]!a:.80}", "every result once")
        known.update(results)


def _node_faults(node: NodeProto) -> Iterator[str]:
    if node.op_type not in OPERATORS or node.domain not in _STANDARD:
        yield f"of the domain {node.domain!a:.40} is not on the list of operators"
    for attribute in node.attribute:
        if attribute.type not in _ATTRIBUTES or attribute.ref_attr_name:
            yield f"has the attribute {attribute.name!a:.40}, which holds more than numbers and text"
        elif attribute.type == AttributeProto.TENSOR:
            _check_tensor(attribute.t)
        elif attribute.name == "training_mode" and attribute.i:
            yield "is set to training"
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        yield "may be set to training"


def _sized(model: ModelProto, opset: int) -> ScannedNetwork:
    """Computes the shape of every result for one photograph, without a single weight."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    _require(len(inputs) == 1, f"it has {len(inputs)} inputs", "one")
    skeleton = _skeleton(model, inputs[0].name)
    onnx.checker.check_model(skeleton)
    inferred = onnx.shape_inference.infer_shapes(skeleton, check_type=True, strict_mode=True, data_prop=True).graph
    shapes = {value.name: _shape(value) for value in (*inferred.input, *inferred.value_info, *inferred.output)}
    _check_sizes(model.graph, shapes)
    source = Value(inputs[0].name, inputs[0].type.tensor_type.elem_type, shapes[inputs[0].name])
    kinds = {value.name: value.type.tensor_type.elem_type for value in inferred.output}
    results = tuple(Value(value.name, kinds[value.name], shapes[value.name]) for value in model.graph.output)
    count = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    return ScannedNetwork(model, source, results, opset, count)


def _skeleton(model: ModelProto, source: str) -> ModelProto:
    """Returns a copy for one photograph that states the shapes of large weights in place of their numbers."""
    graph = model.graph
    skeleton = ModelProto(ir_version=max(4, model.ir_version), opset_import=model.opset_import)
    skeleton.graph.CopyFrom(GraphProto(name="network", node=graph.node))
    for tensor in graph.initializer:
        if len(tensor.raw_data) <= _SMALL and math.prod(tensor.dims) <= _SMALL:
            skeleton.graph.initializer.append(tensor)
        else:
            weight = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            skeleton.graph.input.append(weight)
    (given,) = (value for value in graph.input if value.name == source)
    skeleton.graph.input.append(given)
    sides = skeleton.graph.input[-1].type.tensor_type.shape.dim
    _require(bool(sides), "its input has no shape", "batch, height, width and channels")
    if not sides[0].HasField("dim_value"):
        sides[0].dim_value = 1
    for value in graph.output:
        skeleton.graph.output.append(value)
        for side in skeleton.graph.output[-1].type.tensor_type.shape.dim:  # what it states is not believed
            side.Clear()
    return skeleton


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Returns the dimensions of a result; -1 for one that is not known."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return (-1,)
    return tuple(side.dim_value if side.HasField("dim_value") else -1 for side in kind.shape.dim)


def _check_sizes(graph: GraphProto, shapes: Mapping[str, tuple[int, ...]]) -> None:
    total = 0
    for name in [name for node in graph.node for name in node.output if name]:
        shape = shapes.get(name, (-1,))
        _require(min(shape, default=0) >= 0, f"the size of {name!a:.60} depends on more than the batch", "fixed sizes")
        size = math.prod(shape)
        _require(size <= _MAX_NUMBERS, f"{name!a:.60} has {size:,} numbers", f"at most {_MAX_NUMBERS:,}")
        total += size
    _require(total <= _MAX_TOTAL, f"its results have {total:,} numbers", f"at most {_MAX_TOTAL:,} together")
