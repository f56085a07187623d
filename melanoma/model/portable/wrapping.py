"""Makes the portable form of a bundle out of an ONNX file from elsewhere, which other programs trained and exported."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from melanoma.errors import BundleError
from melanoma.model.portable.canonical import canonical
from melanoma.model.portable.contract import PIXELS, PROBABILITIES, scan_portable
from melanoma.model.portable.scan import ScannedNetwork, scan
from melanoma.model.preprocessing import NO_SCALING, Scaling

SOFTMAX, SIGMOID, LOGITS = OUTPUTS = ("softmax", "sigmoid", "logits")
RGB, BGR = CHANNELS = ("rgb", "bgr")
_OLDEST, _NEW = 13, 17  # from 13 on the operators around the network have one form; an older file is converted
_OWN = "melanoma/"  # before the names of what is added
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX file, and what cannot be read from it.

    Attributes:
        data: Bytes of the file.
        size: Height and width of its input in pixels.
        outputs: `softmax` (probabilities), `sigmoid` (one probability) or `logits` (one number for each class, or one).
        channels: `rgb` or `bgr`: the order in which the network takes the colours.
    """

    data: bytes
    size: tuple[int, int]
    outputs: str = SOFTMAX
    channels: str = RGB


def wrapped(network: OnnxNetwork, scaling: Scaling, source: str) -> bytes:
    """Returns `model.onnx`: uint8 pixels to probabilities, with the network in the middle.

    Args:
        network: The file from elsewhere.
        scaling: What happens to pixel values before it, in the order red, green, blue.
        source: Digest of all this, see `description.source_of`.

    Raises:
        BundleError: The file is unsafe, takes other pictures, or returns something else than it is said to.
    """
    scanned = scan(_current(_sized(network)))
    is_channels_first = _channels_first(scanned, network.size)
    _check_outputs(scanned, network.outputs)
    parts = _Parts()
    image = parts.prepared(network, scaling, is_channels_first, scanned.source.kind)
    inner = scanned.model.graph
    parts.nodes.append(helper.make_node("Identity", [image], [scanned.source.name]))
    parts.nodes += inner.node
    parts.weights += inner.initializer
    parts.finished(scanned.results[0].name, network.outputs, scanned.results[0].shape, scanned.results[0].kind)
    graph = onnx.GraphProto(name="network", node=parts.nodes, initializer=parts.weights)
    batch = scanned.model.graph.input[0].type.tensor_type.shape.dim[0]
    first = 1 if batch.HasField("dim_value") else "n"
    pixels = helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, [first, *network.size, 3])
    outputs = {f"{_OWN}{PROBABILITIES}": PROBABILITIES}
    data = canonical(ModelProto(graph=graph), scanned.opset, [pixels], outputs, source)
    scan_portable(data)
    return data


def _sized(network: OnnxNetwork) -> bytes:
    """Returns the file with the height and width of the picture filled in where it leaves them open."""
    try:
        model = ModelProto.FromString(network.data)
        weights = {tensor.name for tensor in model.graph.initializer}
        (given,) = (value for value in model.graph.input if value.name not in weights)
        sides = given.type.tensor_type.shape.dim
        if len(sides) == 4:
            places = (2, 3) if sides[1].dim_value == 3 else (1, 2)
            for place, side in zip(places, network.size, strict=True):
                if not sides[place].HasField("dim_value"):
                    sides[place].dim_value = side
        return bytes(model.SerializeToString())
    except Exception:  # noqa: BLE001 - the scan says what is wrong with the file
        return network.data


def _current(data: bytes) -> bytes:
    """Returns a network whose operators are not too old."""
    scanned = scan(data)
    if scanned.opset >= _OLDEST:
        return data
    try:
        return bytes(onnx.version_converter.convert_version(scanned.model, _NEW).SerializeToString())
    except Exception as error:  # the converter raises several types
        raise BundleError(
            f"its operators have version {scanned.opset} and cannot be converted; export it again with opset {_NEW}"
        ) from error


def _channels_first(scanned: ScannedNetwork, size: tuple[int, int]) -> bool:
    """Reads from the input where the three channels are."""
    source = scanned.source
    expected = {(1, 3, *size): True, (1, *size, 3): False}
    if source.kind not in _FLOATS or source.shape not in expected:
        shapes = " or ".join(map(str, expected))
        raise BundleError(
            f"it takes {TensorProto.DataType.Name(source.kind).lower()} {source.shape}; expected floating-point "
            f"pictures {shapes}, with a batch that is open or 1; check --size, or export it again"
        )
    return expected[source.shape]


def _check_outputs(scanned: ScannedNetwork, outputs: str) -> None:
    results = scanned.results
    numbers = int(np.prod(results[0].shape))
    if len(results) != 1 or results[0].shape[:1] != (1,) or results[0].kind not in _FLOATS or numbers > 10_000:
        found = [(result.name, result.shape) for result in results]
        raise BundleError(f"it returns {found!a:.200}; expected one row of numbers for each photograph")
    if outputs == SIGMOID and numbers != 1:
        raise BundleError(
            f"it returns {numbers} numbers; expected one behind a sigmoid, since several do not sum to 1; say what "
            "they are with --outputs softmax or --outputs logits"
        )
    if outputs == SOFTMAX and numbers == 1:
        raise BundleError("it returns one number; say what it is with --outputs sigmoid or --outputs logits")


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

    def prepared(self, network: OnnxNetwork, scaling: Scaling, is_channels_first: bool, kind: int) -> str:
        """Adds what happens before the network; returns the name of the picture that it takes."""
        last = self._then("Cast", PIXELS, to=TensorProto.FLOAT)
        for operator, values in _steps(scaling):
            last = self._then(operator, last, self._constant(values))
        if network.channels == BGR:
            last = self._then("Gather", last, self._constant([2, 1, 0], np.int64), axis=3)
        if is_channels_first:
            last = self._then("Transpose", last, perm=[0, 3, 1, 2])
        return self._then("Cast", last, to=kind) if kind != TensorProto.FLOAT else last

    def finished(self, answers: str, outputs: str, shape: Sequence[int], kind: int) -> None:
        """Adds what turns the network's answers into one probability for each class."""
        last = self._then("Cast", answers, to=TensorProto.FLOAT) if kind != TensorProto.FLOAT else answers
        last = (
            self._then("Flatten", last, axis=1)
            if len(shape) > 1
            else self._then("Unsqueeze", last, self._constant([1], np.int64))
        )
        is_one = int(np.prod(shape)) == 1
        if outputs == LOGITS:
            last = self._then("Sigmoid", last) if is_one else self._then("Softmax", last, axis=1)
        if is_one:
            other = self._then("Sub", self._constant(1.0), last)
            last = self._then("Concat", other, last, axis=1)
        self.nodes.append(helper.make_node("Identity", [last], [f"{_OWN}{PROBABILITIES}"]))


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
