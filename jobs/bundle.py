"""`melanoma bundle`: list, inspect, verify, convert, recalibrate, import and check models."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.console.bundle_check import Check, add_check_arguments
from jobs.console.bundle_convert import Convert, add_convert_arguments
from jobs.console.bundle_external import AddExternal, add_external_bundle_arguments
from jobs.console.bundle_import import Import, add_import_arguments
from jobs.console.bundle_list import List, add_list_arguments
from jobs.console.bundle_recalibrate import Recalibrate, add_recalibrate_arguments
from jobs.console.commands import add_command
from jobs.console.engine_flag import add_engine_argument
from jobs.console.exit_codes import OK
from jobs.console.options import Action
from melanoma.model.engine_names import F32
from melanoma.terminal import printable
from melanoma.wording import counted


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
    add_engine_argument(verify)
    add_convert_arguments(add("convert", "copy a bundle and add its network in a form that runs without TensorFlow"))
    add_external_bundle_arguments(add("add-external", "add results on photographs of other hospitals to a bundle"))
    add_recalibrate_arguments(
        add("recalibrate", "copy a bundle with temperature, thresholds and views chosen anew on labelled photographs")
    )
    add_import_arguments(add("import", "turn a Keras or ONNX model from elsewhere into a bundle"))
    add_check_arguments(add("check", "compare a bundle's probabilities with those of the model's own framework"))


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
        facts, onnx = bundle.facts, bundle.portable
        crop = "no crop" if bundle.spec.crop is None else f"centre crop {bundle.spec.crop:g}"
        thresholds = ", ".join(f"{name} {value:g}" for name, value in bundle.thresholds.items())
        rows = {
            "model_id": bundle.model_id,
            "digest": bundle.digest,
            "labels": ", ".join(bundle.slugs),
            "input": f"{bundle.spec.height}x{bundle.spec.width}, {crop}",
            "network": ""
            if facts is None
            else _size(facts.layers, "layer", facts.parameters, f"Keras {facts.keras_version}"),
            "portable": ""
            if onnx is None
            else _size(onnx.nodes, "node", onnx.parameters, f"ONNX operators {onnx.opset}"),
            "views": f"{bundle.views} of each photograph, averaged" if bundle.views > 1 else "",
            "precision": bundle.precision if bundle.precision != F32 else "",
            "rule": f"{bundle.decision_rule}, temperature {bundle.temperature:g}, thresholds: {thresholds or 'none'}",
            "measured": _measured(bundle.description["metrics"]),
        }
        print(
            printable(bundle.uri),
            *(printable(f"  {name:<10} {value}") for name, value in rows.items() if value),
            sep="\n",
        )
        print("  Files and digests are correct. The network was not run; melanoma bundle verify runs it.")


def _size(parts: int, part: str, parameters: int, written_in: str) -> str:
    return f"{counted(parts, part)}, {counted(parameters, 'parameter')}, {written_in}"


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
        engine: What runs the network.
    """

    uri: str
    engine: str

    def run(self) -> None:
        """Checks that the bundle's files are intact, and runs its network on the golden samples."""
        from melanoma.model.bundle import load_bundle

        bundle = load_bundle(self.uri)
        from melanoma.model.engine import load_engine

        engine = load_engine(bundle, batch_size=len(bundle.golden), choice=self.engine)
        samples = counted(len(bundle.golden), "golden sample")
        print(f"{printable(bundle.uri)}: {bundle.model_id} is intact, safe to load, and reproduces its {samples}")
        print(f"  with {engine.version}")


_ACTIONS: dict[str, type[Action]] = {
    "list": List,
    "inspect": Inspect,
    "verify": Verify,
    "convert": Convert,
    "import": Import,
    "check": Check,
    "add-external": AddExternal,
    "recalibrate": Recalibrate,
}
