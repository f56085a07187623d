"""Writes the networks of PyTorch and scikit-learn in this folder, and what they answer themselves; see README.md.

It runs outside the project's own environment, which has neither of the two.
"""

import csv
import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networks_torch as networks
import numpy as np
import onnx
import skl2onnx
import torch
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor, nn

FOLDER = Path(__file__).resolve().parent
LABELS = ("melanoma", "nevus", "scc")
IMAGENET = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
BATCH = ({0: "n"},)
SIDES = ({0: "n", 2: "height", 3: "width"},)


@dataclass(frozen=True)
class Case:
    """One exported file.

    Attributes:
        name: Of the file, without its ending.
        model: The network.
        exporter: `classic` (TorchScript) or `dynamo` (torch.export).
        outputs: What it returns: `logits`, `softmax` or `sigmoid`.
        preparation: Scale, offset, mean, std and channels before it.
        opset: Version of the operators; None for the exporter's default.
        batch: Photographs in the example picture.
        open_sides: Dimensions that stay open, for each input.
        kind: Number type of the picture.
        options: Further arguments of the exporter.
        refusal: Part of the error with which the file is refused; empty for one that is imported.
    """

    name: str
    model: type[nn.Module]
    exporter: str
    outputs: str = "logits"
    preparation: dict[str, Any] = field(default_factory=lambda: IMAGENET)
    opset: int | None = None
    batch: int = 1
    open_sides: tuple[dict[int, str], ...] | None = BATCH
    kind: torch.dtype = torch.float32
    options: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""


PLAIN, SIGNED = {"scale": 1 / 255}, {"scale": 1 / 127.5, "offset": -1.0, "channels": "bgr"}
OLD = {"keep_initializers_as_inputs": True, "do_constant_folding": False}
CASES = (
    Case("convolutions-classic", networks.Convolutions, "classic"),
    Case("convolutions-dynamo", networks.Convolutions, "dynamo"),
    Case("convolutions-opset11", networks.Convolutions, "classic", "logits", PLAIN, 11, open_sides=None, options=OLD),
    Case("convolutions-batch8", networks.Convolutions, "dynamo", batch=8, open_sides=None),
    Case("mobile-classic", networks.Mobile, "classic", "softmax", SIGNED, open_sides=SIDES),
    Case("mobile-dynamo", networks.Mobile, "dynamo", "softmax", SIGNED),
    Case("transformer-classic", networks.Transformer, "classic", opset=17),
    Case("transformer-opset18", networks.Transformer, "dynamo", opset=18),
    Case("transformer-opset23", networks.Transformer, "dynamo", opset=23),
    Case("windows-classic", networks.Windows, "classic"),
    Case("windows-opset23", networks.Windows, "dynamo", opset=23, open_sides=None),
    Case("parts-classic", networks.Parts, "classic", opset=13),
    Case("parts-opset23", networks.Parts, "dynamo", opset=23),
    Case("sigmoid-classic", networks.OneSigmoid, "classic", "sigmoid", PLAIN),
    Case("sigmoid-dynamo", networks.OneSigmoid, "dynamo", "sigmoid", PLAIN, open_sides=None),
    Case("bytes-dynamo", networks.Bytes, "dynamo", preparation={}, kind=torch.uint8),
    Case("squeezed-dynamo", networks.Squeezed, "dynamo"),
    Case("half-classic", networks.Convolutions, "classic", kind=torch.float16),
    Case("external-dynamo", networks.Convolutions, "dynamo", options={"external_data": True}, refusal="external_data"),
    Case("outputs-dynamo", networks.TwoOutputs, "dynamo", refusal="it has 2 outputs"),
)


def pictures() -> Tensor:
    """Returns the drawn pictures, uint8 (n, height, width, 3)."""
    return torch.from_numpy(np.stack([np.asarray(Image.open(path)) for path in sorted(FOLDER.glob("pictures/*.png"))]))


def prepared(pixels: Tensor, preparation: dict[str, Any], kind: torch.dtype) -> Tensor:
    """Returns what the network takes: (n, 3, height, width), or the pixels themselves."""
    if kind == torch.uint8:
        return pixels
    values = pixels.double() * preparation.get("scale", 1.0) + preparation.get("offset", 0.0)
    values = (values - torch.tensor(preparation.get("mean", (0.0,) * 3))) / torch.tensor(
        preparation.get("std", (1.0,) * 3)
    )
    if preparation.get("channels") == "bgr":
        values = values.flip(-1)
    return values.permute(0, 3, 1, 2).contiguous().to(kind)


def network_of(case: Case, images: Tensor) -> nn.Module:
    """Returns a network with drawn weights, whose answers differ from picture to picture."""
    torch.manual_seed(0)
    model = case.model().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    seen: list[Tensor] = []
    hook = model.last.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    with torch.no_grad():
        model(images.float() if images.dtype == torch.float16 else images)
        mean, factor = seen[0].mean(0), 1.5 / seen[0].std(0)
        model.last.bias.copy_((model.last.bias - mean) * factor)
        model.last.weight.mul_(factor[:, None])
    hook.remove()
    return model.half() if case.kind == torch.float16 else model


def probabilities(model: nn.Module, images: Tensor, outputs: str) -> Tensor:
    """Returns what the network answers, as probabilities (n, classes)."""
    with torch.no_grad():
        answers = model(images)
    answers = (answers[0] if isinstance(answers, tuple) else answers).float()
    return answers.softmax(1) if outputs == "logits" else answers.reshape(len(images), -1)


def export(case: Case, model: nn.Module, images: Tensor) -> None:
    """Writes the file as the exporter writes it, but for notes that name folders of this machine."""
    path = FOLDER / f"{case.name}.onnx"
    sides: dict[str, Any] = {}
    if case.open_sides:
        name = "dynamic_shapes" if case.exporter == "dynamo" else "dynamic_axes"
        sides = {name: case.open_sides if case.exporter == "dynamo" else {"image": case.open_sides[0]}}
    one_file = {"external_data": False} if case.exporter == "dynamo" else {}
    options = {**one_file, **sides, **case.options, "opset_version": case.opset, "dynamo": case.exporter == "dynamo"}
    torch.onnx.export(model, (images[: case.batch],), str(path), input_names=["image"], verbose=False, **options)
    exported = onnx.load(path, load_external_data=False)
    for node in exported.graph.node:
        del node.metadata_props[:]
    path.write_bytes(exported.SerializeToString())


def write_answers(name: str, labels: tuple[str, ...], rows: Tensor) -> None:
    """Writes the answers as `melanoma bundle import --expect` reads them."""
    names = [path.name for path in sorted(FOLDER.glob("pictures/*.png"))]
    with (FOLDER / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", *labels])
        writer.writerows([[picture, *row] for picture, row in zip(names, rows.double().tolist(), strict=True)])


def flags(case: Case, labels: tuple[str, ...]) -> list[str]:
    """Returns the flags of `melanoma bundle import` for a file."""
    words = ["--size", "32x32", "--labels", *labels, "--outputs", case.outputs]
    for name, value in case.preparation.items():
        words += [f"--{name}", *(map(repr, value) if isinstance(value, tuple) else [str(value)])]
    return words


def main() -> None:
    """Writes every file, and `networks.json` with what each one is."""
    warnings.simplefilter("ignore")
    pixels, entries = pictures(), []
    for case in CASES:
        images = prepared(pixels, case.preparation, case.kind)
        model = network_of(case, images)
        export(case, model, images)
        labels = ("melanoma",) if case.outputs == "sigmoid" else LABELS
        if not case.refusal:
            write_answers(case.name, labels, probabilities(model, images, case.outputs))
        entries.append({"name": case.name, "flags": flags(case, labels), "refusal": case.refusal})
    forest = RandomForestClassifier(3, max_depth=3, random_state=0)
    forest.fit(pixels.reshape(len(pixels), -1).numpy(), np.arange(len(pixels)) % 3)
    trees = skl2onnx.to_onnx(forest, np.zeros((1, pixels[0].numel()), np.float32), options={"zipmap": False})
    (FOLDER / "forest-sklearn.onnx").write_bytes(trees.SerializeToString())
    entries.append(
        {"name": "forest-sklearn", "flags": ["--size", "32x32", "--labels", *LABELS], "refusal": "ai.onnx.ml"}
    )
    (FOLDER / "networks.json").write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
