"""The bytes of a portable network: the same network always has the same ones.

Converters number their tensors by what else the process has done, and write weights in the order of a hash. Here names
and order follow from the network alone.
"""

from collections.abc import Mapping, Sequence

import onnx
from onnx import GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, ValueInfoProto, numpy_helper

from melanoma.model.portable.sizes import values_of

_IR_VERSION = 8  # of the file format; that of opset 17
_PRODUCER = "melanoma"
SOURCE = "source"  # entry of the file's metadata


def canonical(
    model: ModelProto, opset: int, inputs: Sequence[ValueInfoProto], outputs: Mapping[str, str], source: str
) -> bytes:
    """Returns the bytes of a network, in canonical names and order.

    Args:
        model: A network that has passed the scan.
        opset: Version of its operators.
        inputs: Its inputs, which keep their names.
        outputs: New name of each output by its name in `model`, in their order; float32 results.
        source: Digest of what the network was made from.
    """
    nodes = _in_order(model.graph, list(outputs))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {value.name: value.name for value in inputs} | dict(outputs)
    for node in nodes:
        for name in (*node.input, *node.output):
            if name and name not in names:
                names[name] = f"w{len(names)}" if name in weights else f"t{len(names)}"
    kept = [_plain(weights[old], new) for old, new in names.items() if old in weights]
    graph = GraphProto(
        name="network",
        node=[_renamed(node, number, names) for number, node in enumerate(nodes)],
        input=inputs,
        initializer=sorted(kept, key=lambda tensor: tensor.name),
    )
    result = ModelProto(ir_version=_IR_VERSION, producer_name=_PRODUCER, graph=graph)
    result.metadata_props.append(StringStringEntryProto(key=SOURCE, value=source))
    result.opset_import.append(onnx.helper.make_opsetid("", opset))
    _declare_outputs(result, list(outputs.values()))
    return bytes(result.SerializeToString(deterministic=True))


def _in_order(graph: GraphProto, outputs: Sequence[str]) -> list[NodeProto]:
    """Returns the nodes that the outputs need, each after those it needs, in an order that names have no part in."""
    maker = {name: node for node in graph.node for name in node.output if name}
    ordered, done = list[NodeProto](), set[int]()
    waiting = [maker[name] for name in reversed(outputs) if name in maker]
    while waiting:
        node = waiting[-1]
        needed = [maker[name] for name in node.input if name in maker and id(maker[name]) not in done]
        if needed:
            waiting += reversed(needed)
            continue
        waiting.pop()
        if id(node) not in done:
            done.add(id(node))
            ordered.append(node)
    return ordered


def _renamed(node: NodeProto, number: int, names: Mapping[str, str]) -> NodeProto:
    return NodeProto(
        op_type=node.op_type,
        name=f"n{number}",
        input=[names[name] if name else "" for name in node.input],
        output=[names[name] if name else "" for name in node.output],
        attribute=sorted(node.attribute, key=lambda attribute: attribute.name),
    )


def _plain(tensor: TensorProto, name: str) -> TensorProto:
    return numpy_helper.from_array(numpy_helper.to_array(tensor), name)


def _declare_outputs(model: ModelProto, outputs: Sequence[str]) -> None:
    """Declares the outputs with the shapes that follow from the graph."""
    values = values_of(model)
    batch = "n" if model.graph.input[0].type.tensor_type.shape.dim[0].dim_param else 1
    for name in outputs:
        shape = [batch, *values[name].shape[1:]]
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
