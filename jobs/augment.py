"""`melanoma augment`: shows what training makes of photographs, or writes it as files."""

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from jobs.console.arg_types import size, whole
from jobs.console.data_flags import DataOptions, add_data_arguments, prepare, sources_of
from jobs.console.exit_codes import OK
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.datasets.splits import Dataset

_OPTIONS: dict[str, dict[str, Any]] = {
    "preview": {"metavar": "FOLDER", "help": "gets a sheet of photographs and variants for each class, and counts.png"},
    "look": {
        "choices": ("augmentor", "views"),
        "default": "augmentor",
        "help": "how --preview changes photographs: by Augmentor, or as networks that have seen ImageNet are trained "
        "(default: %(default)s)",
    },
    "photographs": {"type": whole, "default": 4, "metavar": "N", "help": "on a sheet (default: %(default)s)"},
    "variants": {"type": whole, "default": 6, "metavar": "N", "help": "of each on a sheet (default: %(default)s)"},
    "size": {
        "type": partial(size, least=32),
        "default": "192x192",
        "metavar": "HxW",
        "help": "pixels of a variant on a sheet (default: %(default)s)",
    },
    "balance": {
        "type": float,
        "default": 1.0,
        "metavar": "SHARE",
        "help": "for counts.png, as of melanoma train: 0 draws classes as frequent as they are, 1 all alike "
        "(default: %(default)s)",
    },
    "output": {"metavar": "FOLDER", "help": "empty folder that gets augmented files in class folders, by Augmentor"},
    "per-class": {"type": whole, "metavar": "N", "help": "files of each class that --output gets"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_data_arguments(parser)
    for name, details in _OPTIONS.items():
        parser.add_argument(f"--{name}", **details)


def run(args: argparse.Namespace) -> int:
    """Splits the data, and shows or writes variants of the training part alone.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: Arguments or data that cannot work.
    """
    _check(args)
    dataset = prepare(DataOptions.from_args(args)).dataset
    if args.preview:
        _show(args, dataset)
    if args.output:
        _write(args, dataset)
    return OK


def _check(args: argparse.Namespace) -> None:
    """Checks what can be checked before anything is read."""
    if not (args.preview or args.output):
        raise UsageError("nothing to do; give --preview FOLDER, --output FOLDER, or both")
    if bool(args.output) != bool(args.per_class):
        raise UsageError("--per-class goes with --output; give both or neither")
    if not 0 <= args.balance <= 1:
        raise UsageError(f"--balance {args.balance:g}: give a share from 0 to 1")
    sources = sources_of(DataOptions.from_args(args))
    from melanoma.datasets.label_tables import is_table
    from melanoma.training.data.export import check_folder

    read = [*sources.roots, *(uri for uri in sources.data if not is_table(uri))]
    for folder, apart, empty in ((args.preview, [args.output], False), (args.output, [args.preview], True)):
        if folder:
            check_folder(folder, [*read, *filter(None, apart)], empty=empty)


def _show(args: argparse.Namespace, dataset: "Dataset") -> None:
    from melanoma import storage
    from melanoma.datasets.splits import TRAIN
    from melanoma.training.data.class_counts import draw_counts, epoch_counts
    from melanoma.training.data.contact_sheets import draw_sheet

    root, part = storage.canonical(args.preview), dataset.part(TRAIN)
    before = {label: parts[TRAIN] for label, parts in dataset.tally().items()}
    if args.output:
        after = {label: count + args.per_class for label, count in before.items() if count}
        picture = draw_counts(before, after, f"with {args.per_class:,} augmented files for each class")
    else:
        picture = draw_counts(before, epoch_counts(before, args.balance))
    storage.write_bytes(storage.join(root, "counts.png"), picture)
    for label in tqdm(dataset.labels, unit="sheet", desc="drawn", disable=None, dynamic_ncols=True):
        members = [photograph for photograph in part.photographs if photograph.label == label]
        if members:
            sheet = draw_sheet(members, args.look, args.size, args.seed, args.photographs, args.variants)
            storage.write_bytes(storage.join(root, f"{label}.png"), sheet)
    print(f"\n{args.preview}: counts.png and a sheet for each class (they hold photographs: do not publish them)")


def _write(args: argparse.Namespace, dataset: "Dataset") -> None:
    from melanoma.datasets.splits import TRAIN
    from melanoma.training.data import export

    planned = export.plan_variants(dataset.part(TRAIN).photographs, args.per_class, args.seed)
    with tqdm(total=len(planned), unit="image", desc="augmented", disable=None, dynamic_ncols=True) as bar:
        export.write_variants(planned, dataset, args.output, bar.update)
    sources = len({variant.photograph.sha256 for variant in planned})
    print(
        f"\n{args.output}: {len(planned):,} variants of {sources:,} photographs of the training part, "
        f"{export.MANIFEST}, {export.SPLIT}\n"
        f"train on them and never split them: validate and test on the photographs that {export.SPLIT} names"
    )
