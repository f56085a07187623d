"""Reads an ONNX file from elsewhere: what pictures it takes, and what it returns."""

import math
from dataclasses import dataclass

import onnx
from onnx import ModelProto, TensorProto

from melanoma.errors import BundleError
from melanoma.model.portable.folding import folded
from melanoma.model.portable.scan import ScannedNetwork, scan
from melanoma.model.portable.sizes import Value, source_of
from melanoma.model.preprocessing import NO_SCALING, Scaling

SOFTMAX, SIGMOID, LOGITS = OUTPUTS = ("softmax", "sigmoid", "logits")
RGB, BGR = CHANNELS = ("rgb", "bgr")
_OLDEST, _NEW = 13, 17  # from 13 on the operators around the network have one form; an older file is converted
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
_MAX_CLASSES, _MAX_BATCH = 10_000, 256
_ONE = "export it again with one photograph"


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


@dataclass(frozen=True)
class Facts:
    """What can be read from an ONNX file.

    Attributes:
        scanned: The network, with the size of the picture filled in where the file leaves it open.
        is_channels_first: Whether a picture is (3, height, width); else (height, width, 3).
        batch: Number of photographs that it takes at once; 0 for any number.
        numbers: Count of its answers for one photograph.
    """

    scanned: ScannedNetwork
    is_channels_first: bool
    batch: int
    numbers: int

    @property
    def answers(self) -> Value:
        """Its one output."""
        return self.scanned.results[0]

    @property
    def takes_any_number(self) -> bool:
        """Whether it scores several photographs at once, each in a row of its own."""
        return self.batch == 0 and self.answers.shape[:1] == (1,)


def read(network: OnnxNetwork, scaling: Scaling) -> Facts:
    """Reads an ONNX file.

    Args:
        network: The file.
        scaling: What is said to happen to pixel values before it.

    Raises:
        BundleError: The file is unsafe, takes other pictures, or returns something else than it is said to.
    """
    scanned = scan(_current(folded(_completed(network))))
    is_channels_first = _channels_first(scanned, network.size, scaling)
    batch = _fixed_batch(scanned.model)
    return Facts(scanned, is_channels_first, batch, _numbers(scanned, batch, network.outputs))


def photographs_at_once(data: bytes) -> int:
    """Returns the number of photographs that a file which has been imported takes at once; 0 for any number."""
    return _fixed_batch(ModelProto.FromString(data))


def _fixed_batch(model: ModelProto) -> int:
    side = source_of(model.graph).type.tensor_type.shape.dim[0]
    return int(side.dim_value) if side.HasField("dim_value") else 0


def _completed(network: OnnxNetwork) -> bytes:
    """Returns the file with what it leaves open filled in: height and width of the picture, and only domains in use."""
    try:
        model = ModelProto.FromString(network.data)
        sides = source_of(model.graph).type.tensor_type.shape.dim
    except Exception:  # noqa: BLE001 - the scan says what is wrong with the file
        return network.data
    used = {"", *(node.domain for node in model.graph.node)}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    if len(sides) == 4:
        places = (2, 3) if sides[1].dim_value == 3 else (1, 2)
        for place, side in zip(places, network.size, strict=True):
            if not sides[place].HasField("dim_value"):
                sides[place].dim_value = side
    return bytes(model.SerializeToString())


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


def _channels_first(scanned: ScannedNetwork, size: tuple[int, int], scaling: Scaling) -> bool:
    """Reads from the input where the three channels are."""
    source = scanned.source
    batch = source.shape[0]
    expected: dict[tuple[int, ...], bool] = {(3, *size): True, (*size, 3): False}
    is_picture = source.kind in {*_FLOATS, TensorProto.UINT8} and source.shape[1:] in expected
    if not is_picture or not 1 <= batch <= _MAX_BATCH:
        shapes = " or ".join(str((1, *shape)) for shape in expected)
        raise BundleError(
            f"it takes {TensorProto.DataType.Name(source.kind).lower()} {source.shape}; expected floating-point or "
            f"uint8 pictures {shapes}, with a batch that is open or 1 to {_MAX_BATCH}; check --size, or {_ONE}"
        )
    if source.kind == TensorProto.UINT8 and scaling != NO_SCALING:
        raise BundleError(
            "it takes uint8 pixels, which it scales itself; leave --scale, --offset, --mean and --std out"
        )
    return expected[source.shape[1:]]


def _numbers(scanned: ScannedNetwork, batch: int, outputs: str) -> int:
    """Returns how many numbers it answers for one photograph."""
    if len(scanned.results) != 1:
        found = ", ".join(f"{result.name!a:.40} {result.shape}" for result in scanned.results)
        raise BundleError(
            f"it has {len(scanned.results)} outputs ({found:.200}); expected one: export it again with it"
        )
    answers = scanned.results[0]
    is_row = batch <= 1 or answers.shape[:1] == (batch,)
    numbers = math.prod(answers.shape) // max(batch, 1)
    if not is_row or answers.kind not in _FLOATS or not 1 <= numbers <= _MAX_CLASSES:
        raise BundleError(
            f"it returns {TensorProto.DataType.Name(answers.kind).lower()} {answers.shape}; expected floating-point "
            f"numbers, one row for each photograph; check what it returns, or {_ONE}"
        )
    if outputs == SIGMOID and numbers != 1:
        raise BundleError(
            f"it returns {numbers} numbers; expected one behind a sigmoid, since several do not sum to 1; say what "
            "they are with --outputs softmax or --outputs logits"
        )
    if outputs == SOFTMAX and numbers == 1:
        raise BundleError("it returns one number; say what it is with --outputs sigmoid or --outputs logits")
    return numbers
