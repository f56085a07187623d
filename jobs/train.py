"""`melanoma train`: labelled photographs in, a bundle with its card out."""

import argparse
import shlex
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import logs
from jobs.values import size, whole
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.learning.cards import Training
    from melanoma.learning.cleaning import Step
    from melanoma.learning.splits import Dataset


_photograph_size, _seed = partial(size, least=32), partial(whole, least=0)

# One table for the parser and for the command that the card repeats.
_OPTIONS: dict[str, dict[str, Any]] = {
    "data": {
        "action": "append",
        "required": True,
        "metavar": "SOURCE",
        "help": "folder of class folders, or a CSV or Parquet table; repeatable, all are pooled",
    },
    "root": {"metavar": "FOLDER", "help": "where the photographs lie that a table in --data lists"},
    "reference": {"metavar": "TABLE", "help": "knows some photographs by id: gives their lesion, refutes wrong labels"},
    "id-column": {"metavar": "NAME", "help": "of a table: file name without extension, or path below --root"},
    "label-column": {"metavar": "NAME", "help": "of a table: class"},
    "group-column": {"metavar": "NAME", "help": "of a table: lesion or patient, never on two sides of the split"},
    "data-description": {"metavar": "TEXT", "help": "what the data is, for the card (default: the values of --data)"},
    "data-licence": {"required": True, "metavar": "FILE|TEXT", "help": "terms of the data, which bind the bundle too"},
    "limit": {"action": "append", "metavar": "TEXT", "help": "a sentence for the card's known limits; repeatable"},
    "validation-share": {"type": float, "default": 0.2, "metavar": "SHARE", "help": "default: %(default)s"},
    "test-share": {"type": float, "default": 0.2, "metavar": "SHARE", "help": "default: %(default)s"},
    "size": {"type": _photograph_size, "default": "112x112", "metavar": "HxW", "help": "pixels (default: %(default)s)"},
    "epochs": {"type": whole, "default": 100, "metavar": "N", "help": "at most so many (default: %(default)s)"},
    "batch-size": {"type": whole, "default": 16, "metavar": "N", "help": "default: %(default)s"},
    "seed": {
        "type": _seed,
        "default": 0,
        "metavar": "N",
        "help": "of split, weights and epochs (default: %(default)s)",
    },
    "output": {"required": True, "metavar": "FOLDER", "help": "local folder that becomes the bundle"},
    "name": {"metavar": "TEXT", "help": "of the bundle, on its card (default: the folder's name)"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `melanoma train`."""
    for name, details in _OPTIONS.items():
        parser.add_argument(f"--{name}", **details)


def run(args: argparse.Namespace) -> int:
    """Trains, evaluates once on the test part and writes the bundle.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: Arguments or data that cannot work.
    """
    licence = _check(args)
    dataset, steps = _prepare(args)
    with logs.native_silence():
        from melanoma.bundling import write_bundle
        from melanoma.images import ImageSpec
        from melanoma.learning import cards, training
        from melanoma.learning.networks import assignment_cnn

    output = Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    (output / "split.csv").write_bytes(dataset.to_csv())
    settings = training.Settings(args.epochs, args.batch_size, args.seed)
    trained = training.fit(
        partial(assignment_cnn, len(dataset.labels), args.size),
        dataset,
        settings,
        log=output / "history.csv",
        verbose=1 if sys.stdout.isatty() else 2,
    )
    metrics = training.judge(trained.network, dataset, settings)
    story = _story(args, licence, dataset, steps, trained.prior)
    bundle = write_bundle(
        args.output,
        trained.network,
        labels=dataset.labels,
        spec=ImageSpec(*args.size),
        card=cards.write_card(story, metrics),
        licence=f"The network in this folder was trained on data under these terms, which bind it too.\n\n{licence}\n",
        prior=trained.prior,
        decision_rule="argmax",  # the epochs were balanced already; a class too small for that gets no boost
        metrics=metrics,
        training={**asdict(story), **asdict(settings), "epochs_trained": len(trained.history["loss"])},
        extra_files={
            "curves.png": training.draw_curves(trained.history),
            **{name: (output / name).read_bytes() for name in ("split.csv", "history.csv")},
        },
    )
    print("", cards.figures(metrics), f"{args.output}: {bundle.model_id}", sep="\n")
    return 0


def _check(args: argparse.Namespace) -> str:
    """Checks what can be checked before anything is read; gives the terms of the data."""
    tables = [uri for uri in args.data if uri.lower().endswith((".csv", ".parquet"))]
    if "://" in args.output:
        raise UsageError(f"{args.output}: training writes its log as it goes; give a local folder and copy it later")
    from melanoma.bundle import check_free

    check_free(args.output, allowed=("split.csv", "history.csv"))  # now, not after hours of training
    if bool(tables) != bool(args.root):
        raise UsageError("--root goes with a CSV or Parquet table in --data; give both or neither")
    needed, given = bool(tables or args.reference), bool(args.id_column and args.label_column)
    if needed != given or (not needed and any((args.id_column, args.label_column, args.group_column))):
        raise UsageError("--id-column and --label-column go with a table in --data or --reference; give all or none")
    file = Path(args.data_licence)
    terms = file.read_text() if len(args.data_licence) < 256 and file.is_file() else str(args.data_licence)
    if not terms.strip():
        raise UsageError("--data-licence is empty; say under which terms the data is, such as 'CC BY-NC 4.0'")
    return terms.strip()


def _prepare(args: argparse.Namespace) -> tuple["Dataset", list["Step"]]:
    """Reads, cleans, decodes and splits, and says what became of how many photographs."""
    from melanoma.images import ImageSpec
    from melanoma.learning import cleaning, datasets, splits

    columns = datasets.Columns(args.id_column, args.label_column, args.group_column) if args.id_column else None
    found, absent = datasets.read_sources(args.data, columns, args.root)
    reference = cleaning.read_reference(args.reference, columns) if columns and args.reference else None
    cleaned, steps = cleaning.clean(found, reference)
    pixels, photographs, refused = datasets.load_pixels(cleaned, ImageSpec(*args.size))
    first = cleaning.Step("found" + (f"; {absent} more are listed but absent" if absent else ""), 0, len(found))
    what = "bytes that give no photograph" + "".join(f", {kind} {count}" for kind, count in sorted(refused.items()))
    steps = [first, *steps, cleaning.Step(what, len(cleaned) - len(photographs), len(photographs))]
    for step in steps:
        print(f"{step.left:7} photographs, {step.dropped:5} taken out: {step.what}")
    parts = splits.split(photographs, args.validation_share, args.test_share, args.seed)
    dataset = splits.Dataset(photographs, pixels, parts)
    for label, counts in dataset.tally().items():
        print(f"{label:28}" + "".join(f"{part:>12} {count:5}" for part, count in counts.items()))
    return dataset, steps


def _story(
    args: argparse.Namespace, licence: str, dataset: "Dataset", steps: list["Step"], prior: list[float]
) -> "Training":
    from melanoma.learning.cards import Training

    height, width = args.size
    return Training(
        name=args.name or Path(args.output).name,
        network=f"A convolutional network trained from scratch on photographs of {height}x{width} pixels.",
        data=args.data_description or f"Photographs of {', '.join(args.data)}.",
        licence=licence.splitlines()[0],
        command=_command(args),
        steps=steps,
        tally=dataset.tally(),
        prior=dict(zip(dataset.labels, prior, strict=True)),
        limits=args.limit or [],
    )


def _command(args: argparse.Namespace) -> str:
    """Spells the command again from what it was understood as, defaults included."""
    words = ["melanoma", "train"]
    for name in _OPTIONS:
        value = getattr(args, name.replace("-", "_"))
        value = f"{value[0]}x{value[1]}" if name == "size" else value
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            words += [f"--{name}", str(item)]
    return shlex.join(words)
