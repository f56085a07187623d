"""Which labelled photographs a command works on, and how they are split: the same flags everywhere."""

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from jobs.console.arg_types import whole
from melanoma.errors import DataError, UsageError

if TYPE_CHECKING:
    from melanoma.datasets.reading import Columns
    from melanoma.training.fitting.preparation import Prepared, Sources

DATA_OPTIONS: dict[str, dict[str, Any]] = {
    "data": {
        "action": "append",
        "required": True,
        "metavar": "SOURCE",
        "help": "folder of class folders, or a CSV or Parquet table; repeatable, all are pooled",
    },
    "root": {
        "action": "append",
        "metavar": "FOLDER",
        "help": "where the photographs lie that a table lists; repeatable: the first that has one counts, "
        "the others show it at another scale",
    },
    "reference": {"metavar": "TABLE", "help": "knows some photographs by id: gives their lesion, refutes wrong labels"},
    "id-column": {"metavar": "NAME", "help": "of a table: file name without extension, or path below --root"},
    "label-column": {"metavar": "NAME", "help": "of a table: class"},
    "group-column": {"metavar": "NAME", "help": "of a table: lesion or patient, never on two sides of the split"},
    "split": {
        "metavar": "TABLE",
        "help": "parts that are settled: columns image_id, group, part (train, validation, test); the rest is split",
    },
    "validation-share": {"type": float, "default": 0.2, "metavar": "SHARE", "help": "default: %(default)s"},
    "test-share": {"type": float, "default": 0.2, "metavar": "SHARE", "help": "default: %(default)s"},
    "seed": {
        "type": partial(whole, least=0),
        "default": 0,
        "metavar": "N",
        "help": "of split, weights and epochs (default: %(default)s)",
    },
    "allow-leaks": {
        "action": "store_true",
        "help": "go on with a split that leaks by content, look or name, and say so on the card; "
        "one lesion on two sides is refused all the same",
    },
}


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    for name, details in DATA_OPTIONS.items():
        parser.add_argument(f"--{name}", **details)


def columns_of(args: argparse.Namespace, where: str) -> "Columns | None":
    """Checks that the flags of tables go with tables; gives the names of their columns, None without any.

    Args:
        args: Parsed flags, with `data`.
        where: What `data` is called on the command line.

    Raises:
        UsageError: They do not.
    """
    from melanoma.datasets.reading import Columns, is_table

    tables = [uri for uri in args.data if is_table(uri)]
    if bool(tables) != bool(args.root):
        raise UsageError(f"--root goes with a CSV or Parquet table in {where}; give both or neither")
    needed, given = bool(tables or args.reference), bool(args.id_column and args.label_column)
    if needed != given or (not needed and any((args.id_column, args.label_column, args.group_column))):
        raise UsageError(f"--id-column and --label-column go with a table in {where} or --reference; give all or none")
    return Columns(args.id_column, args.label_column, args.group_column) if given else None


def sources_of(args: argparse.Namespace) -> "Sources":
    """Checks what can be checked before anything is read.

    Raises:
        UsageError: The flags do not fit together.
    """
    from melanoma.training.fitting.preparation import Sources

    columns = columns_of(args, "--data")
    shares = args.validation_share, args.test_share
    return Sources(args.data, args.root or [], columns, args.reference, args.split, *shares, args.seed)


def prepare(args: argparse.Namespace) -> "Prepared":
    """Reads, cleans and splits, says what became of how many photographs, and refuses a split that leaks.

    Raises:
        DataError: The split leaks, and --allow-leaks is not given.
        MelanomaError: The data cannot be used.
    """
    from melanoma.training.fitting import preparation

    sources = sources_of(args)
    with tqdm(unit="image", desc="looked at", disable=None, dynamic_ncols=True) as bar:
        prepared = preparation.prepare(sources, lambda total: bar.reset(total), bar.update)
    for step in prepared.steps:
        print(f"{step.left:7} photographs, {step.dropped:5} taken out: {step.what}")
    for label, counts in prepared.dataset.tally().items():
        print(f"{label:28}" + "".join(f"{part:>12} {count:5}" for part, count in counts.items()))
    if prepared.leaks:
        found = preparation.describe_leaks(prepared)
        if not args.allow_leaks:
            raise DataError(f"the split leaks: {found}; see melanoma audit, mend --split, or give --allow-leaks")
        print(f"the split leaks: {found}; going on as told")
    return prepared
