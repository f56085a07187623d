"""`melanoma bundle`: inspect, verify and import models."""

import argparse
import functools
from collections.abc import Mapping
from typing import Any

from jobs.console import logs
from jobs.console.arg_types import size
from jobs.console.exit_codes import OK
from melanoma.terminal import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the three actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    action = functools.partial(actions.add_parser, allow_abbrev=False)
    inspect = action("inspect", help="show what a bundle says of itself; runs nothing of it")
    inspect.add_argument("uri", metavar="URI")
    inspect.add_argument("--card", action="store_true", help="print the whole card")
    verify = action("verify", help="check digests, network file and golden phantoms, as every run does")
    verify.add_argument("uri", metavar="URI")
    _add_import(action("import", help="turn a Keras model from elsewhere into a bundle"))


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL.keras")
    parser.add_argument("--output", required=True, metavar="URI", help="folder of the new bundle")
    parser.add_argument("--labels", required=True, nargs="+", metavar="LABEL", help="in the order of the outputs")
    parser.add_argument("--size", required=True, type=size, metavar="HxW", help="input of the network, pixels")
    parser.add_argument("--crop", type=float, metavar="SHARE", help="centre crop before the resize, above 0 to 1")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on pixel values 0 to 255 (default: 1)")
    parser.add_argument("--offset", type=float, default=0.0, help="added after --scale (default: 0)")
    parser.add_argument("--mean", type=float, nargs=3, default=[0.0, 0.0, 0.0], metavar="X", help="per channel")
    parser.add_argument("--std", type=float, nargs=3, default=[1.0, 1.0, 1.0], metavar="X", help="per channel")
    parser.add_argument("--prior", type=float, nargs="+", metavar="P", help="class shares (default: all alike)")
    parser.add_argument("--licence", default="Terms unknown: ask whoever gave you the model.", help="terms of the data")


def run(args: argparse.Namespace) -> int:
    """Does one of the three."""
    return {"inspect": _inspect, "verify": _verify, "import": _import}[args.action](args)


def _inspect(args: argparse.Namespace) -> int:
    from melanoma.model.bundle import load_bundle

    bundle = load_bundle(args.uri)
    if args.card:
        print(printable(bundle.files["card.md"].decode("utf-8", "replace"), keep="\n\t"))
        return OK
    facts = bundle.facts
    print(f"{bundle.uri}\n  model_id   {bundle.model_id}\n  digest     {bundle.digest}")
    print(f"  labels     {', '.join(bundle.slugs)}")
    print(f"  input      {bundle.spec.height}x{bundle.spec.width}, crop {bundle.spec.crop}")
    print(f"  network    {facts.layers} layers, {facts.parameters:,} parameters, Keras {facts.keras_version}")
    print(
        f"  rule       {bundle.decision_rule}, temperature {bundle.temperature:g}, thresholds {dict(bundle.thresholds)}"
    )
    print(f"  measured   {_measured(bundle.description['metrics'])}")
    print("  digests and network file are in order; the network was not run (melanoma bundle verify runs it)")
    return OK


def _measured(metrics: Mapping[str, Any]) -> str:
    """Gives the one figure that says most, where training has measured it; the card has all of them."""
    try:
        figure = metrics["test"]["balanced_accuracy"]
        interval = f"95 %: {figure['low']:.3f} to {figure['high']:.3f}, n = {figure['n']:d}"
        return f"balanced accuracy {figure['value']:.3f} on its test part ({interval}); see --card"
    except (KeyError, TypeError, ValueError):  # a bundle from elsewhere may state anything, or nothing
        return "no figures as melanoma train writes them; see --card"


def _verify(args: argparse.Namespace) -> int:
    from melanoma.model.bundle import load_bundle

    bundle = load_bundle(args.uri)
    with logs.native_silence():
        from melanoma.model.engine import load_engine  # TensorFlow: only for a bundle that is whole
    load_engine(bundle, batch_size=len(bundle.golden))
    print(f"{bundle.uri}: {bundle.model_id} is whole, safe to load and scores its {len(bundle.golden)} golden phantoms")
    return OK


def _import(args: argparse.Namespace) -> int:
    from melanoma.images.decoding import ImageSpec
    from melanoma.model.bundle import Scaling, uniform_prior
    from melanoma.model.bundle_contents import ModelSettings

    with logs.native_silence():
        from melanoma.model.keras_import import import_model

    height, width = args.size
    settings = ModelSettings(
        labels=args.labels,
        spec=ImageSpec(height, width, args.crop),
        prior=args.prior or uniform_prior(args.labels),
        scaling=Scaling(args.scale, args.offset, tuple(args.mean), tuple(args.std)),
    )
    bundle = import_model(args.model, args.output, settings, args.licence)
    print(f"{bundle.uri}: {bundle.model_id}, labels {', '.join(bundle.slugs)}")
    print("  Check it against the model's own framework on a few photographs before a night depends on it.")
    return OK
