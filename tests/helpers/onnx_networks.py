"""Small networks in ONNX, as other programs write them, and files that no program should load."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Weights = dict[str, npt.NDArray[np.float32]]


def weights(classes: int = 3, seed: int = 0) -> Weights:
    """Returns a convolution of two filters and a dense layer for channels-first pictures."""
    rng = np.random.default_rng(seed)
    return {
        "kernel": rng.normal(0, 0.3, (2, 3, 3, 3)).astype(np.float32),
        "dense": rng.normal(0, 2.0, (2, classes)).astype(np.float32),
        "bias": rng.normal(0, 0.5, classes).astype(np.float32),
    }


def network(
    *,
    channels_first: bool = True,
    ending: str | None = "Softmax",
    size: tuple[int, int] = (16, 16),
    batch: int | str = "N",
    classes: int = 3,
    seed: int = 0,
    opset: int = 17,
) -> ModelProto:
    """Builds a network as PyTorch or Keras would export it, from float32 pictures to one row of numbers.

    Args:
        channels_first: Whether pictures are (n, 3, height, width); else (n, height, width, 3).
        ending: Operator behind the dense layer; None for logits.
        size: Height and width in pixels.
        batch: First dimension of the input.
        classes: Number of outputs.
        seed: Of the weights.
        opset: Version of the operators.
    """
    nodes = [] if channels_first else [helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2])]
    nodes += [
        helper.make_node("Conv", ["image" if channels_first else "planes", "kernel"], ["features"]),
        helper.make_node("Relu", ["features"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense", "bias"], ["scores"]),
    ]
    if ending:
        nodes.append(helper.make_node(ending, ["scores"], ["answers"]))
    shape = [batch, 3, *size] if channels_first else [batch, *size, 3]
    graph = helper.make_graph(
        nodes,
        "exported",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("answers" if ending else "scores", TensorProto.FLOAT, [batch, classes])],
        [numpy_helper.from_array(values, name) for name, values in weights(classes, seed).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def answers(
    images: npt.NDArray[np.float32], ending: str | None = "Softmax", seed: int = 0, classes: int = 3
) -> npt.NDArray[np.float64]:
    """Returns what `network` answers, computed by NumPy alone.

    Args:
        images: float32 (n, height, width, 3), as the network takes them but for the place of the channels.
        ending: As for `network`.
        seed: As for `network`.
        classes: As for `network`.
    """
    own = {name: values.astype(np.float64) for name, values in weights(classes, seed).items()}
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(np.float64), (3, 3), axis=(1, 2))
    features = np.einsum("nhwcij,fcij->nhwf", windows, own["kernel"])
    scores = np.maximum(features, 0).mean(axis=(1, 2)) @ own["dense"] + own["bias"]
    if ending == "Sigmoid":
        return np.asarray(1 / (1 + np.exp(-scores)))
    if ending is None:
        return np.asarray(scores)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def changed(change: Callable[[ModelProto], object], **settings: object) -> bytes:
    """Returns the bytes of a sound network after a change."""
    model = network(**settings)  # type: ignore[arg-type]
    change(model)
    return model.SerializeToString()


def with_node(
    model: ModelProto, operator: str, inputs: Sequence[str] = ("answers",), **attributes: object
) -> NodeProto:
    """Appends a node whose result becomes the output, and returns it."""
    node = helper.make_node(operator, list(inputs), ["more"], **attributes)
    model.graph.node.append(node)
    model.graph.output[0].name = "more"
    return model.graph.node[-1]


def with_weight(model: ModelProto, name: str, values: npt.NDArray[np.generic]) -> None:
    """Adds a constant."""
    model.graph.initializer.append(numpy_helper.from_array(values, name))


def loaded(data: bytes) -> ModelProto:
    """Parses a file."""
    return onnx.load_model_from_string(data)
