"""The static scan of a portable network, before any engine may touch it.

An engine is a large program in C++ that trusts what it loads. So a file passes because of what it is (listed operators
of the standard domain, plain numbers inside the file, every intermediate result of a known, bounded size), never
because nothing known to be bad was found. This is the second line of defence; the digests of the bundle are the first.
No engine is imported here.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from melanoma.errors import BundleError
from melanoma.model.portable.operators import BYTES, FIELDS, OPERATORS
from melanoma.model.portable.sizes import Value, check_sizes, require, source_of, values_of
from melanoma.wording import first_line

MAX_BYTES = 256 * 2**20
_MAX_NODES, _MAX_DIMENSIONS = 20_000, 8
_OPSETS = range(11, 24)
_ATTRIBUTES = frozenset(
    [
        *(AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.STRING, AttributeProto.TENSOR),
        *(AttributeProto.FLOATS, AttributeProto.INTS, AttributeProto.STRINGS),
    ]
)
_STANDARD = ("", "ai.onnx")
_OTHERS = {
    "ai.onnx.ml": "these are for tables and decision trees, as converters of scikit-learn write them, not for pictures",
    "com.microsoft": "export the network again without the optimiser of ONNX Runtime",
}


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
    with clear_errors():
        model = checked(data)
        values = values_of(model)
        check_sizes(model.graph, values)
        source = values[source_of(model.graph).name]
        results = tuple(values[value.name] for value in model.graph.output)
        count = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
        return ScannedNetwork(model, source, results, opset_of(model), count)


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Turns what protobuf and onnx raise into one error."""
    try:
        yield
    except BundleError:
        raise
    except Exception as error:  # hostile bytes make them raise nearly every type there is
        raise BundleError(
            f"it does not open ({type(error).__name__}: {first_line(error)!a:.160}); expected a network of ONNX"
        ) from error


def checked(data: bytes) -> ModelProto:
    """Parses an ONNX file, and checks everything but the sizes of its results.

    Raises:
        BundleError: The file is not a plain ONNX network of listed operators.
        Exception: protobuf raises several types for other bytes.
    """
    require(len(data) <= MAX_BYTES, f"it has {len(data):,} bytes", f"at most {MAX_BYTES:,}")
    model = ModelProto.FromString(data)
    _check_model(model)
    _check_tensors(model.graph)
    _check_nodes(model.graph)
    return model


def opset_of(model: ModelProto) -> int:
    """Returns the version of the operators of a network that has been checked."""
    return next(int(entry.version) for entry in model.opset_import)


def _check_model(model: ModelProto) -> None:
    """Checks everything around the graph."""
    versions = [entry.version for entry in model.opset_import if entry.domain in _STANDARD]
    others = sorted({entry.domain for entry in model.opset_import} - {*_STANDARD})
    require(not others, f"it uses the operators of {', '.join(others)!a:.80}", f"those of ONNX alone{_advice(others)}")
    known = len(versions) == 1 and versions[0] in _OPSETS
    require(known, f"its operators have the versions {versions}", f"one from {_OPSETS[0]} to {_OPSETS[-1]}")
    require(not model.functions, f"it defines {len(model.functions)} functions", "none")
    require(not model.training_info, "it holds a training", "a network that only scores")
    graph = model.graph
    require(not graph.sparse_initializer and not graph.quantization_annotation, "it holds sparse weights", "plain ones")
    require(0 < len(graph.node) <= _MAX_NODES, f"it has {len(graph.node):,} nodes", f"1 to {_MAX_NODES:,}")


def _advice(domains: Sequence[str]) -> str:
    """Returns what is known of other domains, to follow a sentence."""
    return next((f"; {text}" for domain, text in _OTHERS.items() if domain in domains), "")


def _check_tensors(graph: GraphProto) -> None:
    for tensor in graph.initializer:
        _check_tensor(tensor)
    names = [tensor.name for tensor in graph.initializer]
    require(len(set(names)) == len(names) and all(names), "a weight has no name or the name of another", "one each")


def _check_tensor(tensor: TensorProto) -> None:
    """Checks that the numbers of a tensor lie in the file, and that there are as many as its shape says."""
    name = f"the weight {tensor.name!a:.60}"
    is_inside = tensor.data_location == TensorProto.DEFAULT and not tensor.external_data
    require(
        is_inside,
        f"{name} lies in another file",
        "every weight in the file itself; export it again in one file (torch.onnx.export with external_data=False), or "
        "join them with onnx.save(onnx.load('theirs.onnx'), 'joined.onnx')",
    )
    require(tensor.data_type in BYTES, f"{name} has the type {tensor.data_type}", "plain numbers")
    plain = len(tensor.dims) <= _MAX_DIMENSIONS and all(side >= 0 for side in tensor.dims)
    require(plain and not tensor.HasField("segment"), f"{name} has the shape {list(tensor.dims)!a:.80}", "a plain one")
    count = math.prod(tensor.dims)
    if tensor.raw_data:
        found, wanted = len(tensor.raw_data), count * BYTES[tensor.data_type]
    else:
        found, wanted = len(getattr(tensor, FIELDS.get(tensor.data_type, "int32_data"))), count
    require(found == wanted, f"{name} has {found:,} bytes or numbers", f"{wanted:,} for its shape")


def _check_nodes(graph: GraphProto) -> None:
    """Checks that nodes only compute, each from what came before it."""
    known = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input}
    for node in graph.node:
        fault = next(_node_faults(node), None)
        require(fault is None, f"{node.op_type!a:.40} {fault}", "only common operators of ONNX")
        unknown = [name for name in node.input if name and name not in known]
        require(not unknown, f"{node.op_type} uses {unknown[:1]!a:.80} before it exists", "nodes in their order")
        results = [name for name in node.output if name]
        require(known.isdisjoint(results), f"{node.op_type} replaces {results[:1]!a:.80}", "every result once")
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
