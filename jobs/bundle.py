"""`melanoma bundle`: list, inspect, verify and import models."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.console import logs
from jobs.console.arg_types import size
from jobs.console.bundle_list import List, add_list_arguments
from jobs.console.commands import add_command
from jobs.console.exit_codes import OK
from jobs.console.options import Action
from jobs.console.targets import check_folders
from melanoma.terminal import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        return add_command(actions, name, purpose, parser.epilog)

    add_list_arguments(add("list", "list the bundles that can be given by name"))
    inspect = add("inspect", "check a bundle's files and show what it states, without running its network")
    inspect.add_argument("uri", metavar="URI", help="folder or name of the bundle")
    inspect.add_argument("--card", action="store_true", help="print the whole model card instead")
    verify = add("verify", "check a bundle's files and golden samples, as every run does before it scores")
    verify.add_argument("uri", metavar="URI", help="folder or name of the bundle")
    _add_import(add("import", "turn a Keras model from elsewhere into a bundle"))


def _add_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL.keras", help="URI or path of the model file")
    add("-o", "--output", required=True, metavar="URI", help="folder of the new bundle")
    add("--labels", required=True, nargs="+", metavar="LABEL", help="classes in the order of the network's outputs")
    add("--size", required=True, type=size, metavar="HxW", help="height and width of the network's input, pixels")
    add(
        "--crop",
        type=float,
        metavar="SHARE",
        help="crop to the centre before resizing, keeping this share of each side, above 0 to 1 (default: no crop)",
    )
    add("--scale", type=float, default=1.0, metavar="X", help="factor for pixel values 0 to 255 (default: 1)")
    add("--offset", type=float, default=0.0, metavar="X", help="added after --scale (default: 0)")
    channel: dict[str, Any] = {"type": float, "nargs": 3, "metavar": ("R", "G", "B")}
    add("--mean", default=[0.0] * 3, help="subtracted from each channel after --offset (default: 0 0 0)", **channel)
    add("--std", default=[1.0] * 3, help="divides each channel after --mean (default: 1 1 1)", **channel)
    add(
        "--prior",
        type=float,
        nargs="+",
        metavar="SHARE",
        help="class shares that the probabilities refer to, in the order of --labels (default: equal shares)",
    )
    add(
        "--licence",
        default="Terms unknown: ask whoever gave you the model.",
        metavar="TEXT",
        help="terms of the data that the network was trained on (default: unknown)",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the action that was chosen and returns the exit code."""
    _ACTIONS[args.action].from_args(args).run()
    return OK


@dataclass(frozen=True)
class Inspect(Action):
    """`bundle inspect`.

    Attributes:
        uri: Folder or name of the bundle.
        card: Whether to print the model card instead.
    """

    uri: str
    card: bool

    def run(self) -> None:
        """Checks that the bundle's files are intact, and prints what it states."""
        from melanoma.model.bundle import load_bundle

        bundle = load_bundle(self.uri)
        if self.card:
            print(printable(bundle.files["card.md"].decode("utf-8", "replace"), keep="\n\t"))
            return
        facts = bundle.facts
        crop = "no crop" if bundle.spec.crop is None else f"centre crop {bundle.spec.crop:g}"
        thresholds = ", ".join(f"{name} {value:g}" for name, value in bundle.thresholds.items())
        rows = {
            "model_id": bundle.model_id,
            "digest": bundle.digest,
            "labels": ", ".join(bundle.slugs),
            "input": f"{bundle.spec.height}x{bundle.spec.width}, {crop}",
            "network": f"{facts.layers} layers, {facts.parameters:,} parameters, Keras {facts.keras_version}",
            "rule": f"{bundle.decision_rule}, temperature {bundle.temperature:g}, thresholds: {thresholds or 'none'}",
            "measured": _measured(bundle.description["metrics"]),
        }
        print(bundle.uri, *(f"  {name:<10} {value}" for name, value in rows.items()), sep="\n")
        print("  Files and digests are correct. The network was not run; melanoma bundle verify runs it.")


def _measured(metrics: Mapping[str, Any]) -> str:
    """Returns the main figure of a training's report; the card has all of them."""
    try:
        figure = metrics["test"]["balanced_accuracy"]
        interval = f"95 %: {figure['low']:.3f} to {figure['high']:.3f}, n = {figure['n']:d}"
        return f"balanced accuracy {figure['value']:.3f} on its test part ({interval}); see --card"
    except (KeyError, TypeError, ValueError):  # a bundle from elsewhere may state anything, or nothing
        return "no figures in the form that melanoma train writes; see --card"


@dataclass(frozen=True)
class Verify(Action):
    """`bundle verify`.

    Attributes:
        uri: Folder or name of the bundle.
    """

    uri: str

    def run(self) -> None:
        """Checks that the bundle's files are intact, and runs its network on the golden samples."""
        from melanoma.model.bundle import load_bundle

        bundle = load_bundle(self.uri)
        with logs.native_silence():
            from melanoma.model.engine import load_engine  # TensorFlow: slow, so only for a bundle that is intact
        samples = len(bundle.golden)
        load_engine(bundle, batch_size=samples)
        print(f"{bundle.uri}: {bundle.model_id} is intact, safe to load, and reproduces its {samples} golden samples")


@dataclass(frozen=True)
class Import(Action):
    """`bundle import`.

    Attributes:
        model: URI or path of the `.keras` file.
        output: Folder of the new bundle.
        labels: Classes in the order of the network's outputs.
        size: Height and width of the network's input, pixels.
        crop: Share of each side that a centre crop keeps, above 0 to 1; None for no crop.
        scale: Factor for pixel values 0 to 255.
        offset: Added after `scale`.
        mean: Subtracted from red, green and blue.
        std: Divides red, green and blue.
        prior: Class shares in the order of `labels`; None for equal shares.
        licence: Terms of the data that the network was trained on.
    """

    model: str
    output: str
    labels: tuple[str, ...]
    size: tuple[int, int]
    crop: float | None
    scale: float
    offset: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    prior: tuple[float, ...] | None
    licence: str

    def run(self) -> None:
        """Writes the bundle."""
        check_folders(self.output)
        from melanoma.images.decoding import ImageSpec
        from melanoma.model.bundle_contents import ModelSettings
        from melanoma.model.description import uniform_prior
        from melanoma.model.preprocessing import Scaling

        with logs.native_silence():
            from melanoma.model.keras_import import import_model

        height, width = self.size
        settings = ModelSettings(
            labels=self.labels,
            spec=ImageSpec(height, width, self.crop),
            prior=self.prior or uniform_prior(self.labels),
            scaling=Scaling(self.scale, self.offset, self.mean, self.std),
        )
        bundle = import_model(self.model, self.output, settings, self.licence)
        print(f"{bundle.uri}: {bundle.model_id}, labels {', '.join(bundle.slugs)}")
        print(
            "  Before you rely on it, compare its results on a few photographs with those of the model's own framework."
        )


_ACTIONS: dict[str, type[Action]] = {"list": List, "inspect": Inspect, "verify": Verify, "import": Import}
