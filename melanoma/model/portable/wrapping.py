"""Makes the portable form of a bundle out of an ONNX file from elsewhere, which other programs trained and exported."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from melanoma.model.portable.canonical import canonical
from melanoma.model.portable.contract import PIXELS, PROBABILITIES, scan_portable
from melanoma.model.portable.foreign import BGR, LOGITS, Facts, OnnxNetwork, read
from melanoma.model.preprocessing import NO_SCALING, Scaling

_OWN = "melanoma/"  # before the names of what is added


def wrapped(network: OnnxNetwork, scaling: Scaling, source: str) -> bytes:
    """Returns `model.onnx`: uint8 pixels to probabilities, with the network in the middle.

    Args:
        network: The file from elsewhere.
        scaling: What happens to pixel values before it, in the order red, green, blue.
        source: Digest of all this, see `description.source_of`.

    Raises:
        BundleError: The file is unsafe, takes other pictures, or returns something else than it is said to.
    """
    facts = read(network, scaling)
    inner, parts = facts.scanned.model.graph, _Parts()
    image = parts.prepared(network, scaling, facts)
    parts.nodes.append(helper.make_node("Identity", [image], [facts.scanned.source.name]))
    parts.nodes += inner.node
    parts.weights += inner.initializer
    parts.finished(network.outputs, facts)
    graph = onnx.GraphProto(name="network", node=parts.nodes, initializer=parts.weights)
    pixels = helper.make_tensor_value_info(
        PIXELS, TensorProto.UINT8, ["n" if facts.takes_any_number else 1, *network.size, 3]
    )
    outputs = {f"{_OWN}{PROBABILITIES}": PROBABILITIES}
    data = canonical(ModelProto(graph=graph), facts.scanned.opset, [pixels], outputs, source)
    scan_portable(data)
    return data


class _Parts:
    """Operators and constants around a network."""

    def __init__(self) -> None:
        self.nodes, self.weights = list[NodeProto](), list[TensorProto]()

    def _then(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{_OWN}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def _constant(self, values: Any, kind: type = np.float32) -> str:
        name = f"{_OWN}w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def prepared(self, network: OnnxNetwork, scaling: Scaling, facts: Facts) -> str:
        """Adds what happens before the network; returns the name of the picture that it takes."""
        last = self._then("Cast", PIXELS, to=TensorProto.FLOAT)
        for operator, values in _steps(scaling):
            last = self._then(operator, last, self._constant(values))
        if network.channels == BGR:
            last = self._then("Gather", last, self._constant([2, 1, 0], np.int64), axis=3)
        if facts.is_channels_first:
            last = self._then("Transpose", last, perm=[0, 3, 1, 2])
        if facts.batch > 1:
            last = self._then("Expand", last, self._constant(facts.scanned.source.shape, np.int64))
        kind = facts.scanned.source.kind
        return self._then("Cast", last, to=kind) if kind != TensorProto.FLOAT else last

    def finished(self, outputs: str, facts: Facts) -> None:
        """Adds what turns the network's answers into one probability for each class."""
        answers = facts.answers
        last = answers.name
        if answers.kind != TensorProto.FLOAT:
            last = self._then("Cast", last, to=TensorProto.FLOAT)
        if facts.batch > 1:  # the same photograph stands in every place
            last = self._then("Gather", last, self._constant([0], np.int64), axis=0)
        last = self._row(last, answers.shape, facts.batch)
        is_one = facts.numbers == 1
        if outputs == LOGITS:
            last = self._then("Sigmoid", last) if is_one else self._then("Softmax", last, axis=1)
        if is_one:
            other = self._then("Sub", self._constant(1.0), last)
            last = self._then("Concat", other, last, axis=1)
        self.nodes.append(helper.make_node("Identity", [last], [f"{_OWN}{PROBABILITIES}"]))

    def _row(self, answers: str, shape: Sequence[int], batch: int) -> str:
        """Adds what makes one row of numbers out of answers of any shape."""
        if shape[:1] != (batch or 1,):  # the dimension of the photographs is missing
            return self._then("Reshape", answers, self._constant([1, -1], np.int64))
        if len(shape) > 1:
            return self._then("Flatten", answers, axis=1)
        return self._then("Unsqueeze", answers, self._constant([1], np.int64))


def _steps(scaling: Scaling) -> Iterator[tuple[str, Any]]:
    """Yields the operators of a scaling, without those that change nothing."""
    for operator, values, nothing in (
        ("Mul", scaling.scale, NO_SCALING.scale),
        ("Add", scaling.offset, NO_SCALING.offset),
        ("Sub", scaling.mean, NO_SCALING.mean),
        ("Div", scaling.std, NO_SCALING.std),
    ):
        if values != nothing:
            yield operator, values
