"""Flags that select and split the labelled photographs of a command; the same for every command."""

import argparse
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from jobs.console.arg_types import whole
from jobs.console.commands import add_group
from jobs.console.options import Options
from melanoma.errors import DataError, UsageError

if TYPE_CHECKING:
    from melanoma.datasets.label_tables import Columns
    from melanoma.training.fitting.preparation import Prepared, Sources

DATA_FLAGS: dict[str, dict[str, Any]] = {
    "data": {
        "action": "append",
        "required": True,
        "metavar": "SOURCE",
        "help": "folder with one subfolder for each class, or CSV or Parquet table; repeatable, all are pooled; "
        "folders named train, validation and test are kept as the split",
    },
    "root": {
        "action": "append",
        "default": [],
        "metavar": "FOLDER",
        "help": "folder of the photographs that a table lists; repeatable: a photograph is read from the first folder "
        "that has it, and later folders may hold it at other scales",
    },
    "reference": {
        "metavar": "TABLE",
        "help": "table of photographs by id: adds their lesion and reveals wrong labels",
    },
    "id-column": {
        "metavar": "NAME",
        "help": "column of the tables: file name, or path below --root (default: by the columns of known collections)",
    },
    "label-column": {"metavar": "NAME", "help": "column of the tables: class (default: likewise)"},
    "group-column": {
        "metavar": "NAME",
        "help": "column of the tables: lesion or patient, whose photographs stay in one part of the split",
    },
    "split": {
        "metavar": "TABLE",
        "help": "table with an existing split: columns image_id, group, part (train, validation, test); all other "
        "photographs are split as usual",
    },
    "source-column": {
        "metavar": "NAME",
        "help": "column of the tables: hospital, camera or collection; thresholds then hold at each in validation",
    },
    "validate-on-source": {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "validate on all photographs of this source (or --data), and train on none; repeatable",
    },
    "validation-share": {
        "type": float,
        "default": 0.2,
        "metavar": "SHARE",
        "help": "share of the validation part (default: %(default)s)",
    },
    "test-share": {
        "type": float,
        "default": 0.2,
        "metavar": "SHARE",
        "help": "share of the test part (default: %(default)s)",
    },
    "seed": {
        "type": partial(whole, least=0),
        "default": 0,
        "metavar": "N",
        "help": "random seed of the split, the weights and the epochs (default: %(default)s)",
    },
    "allow-leaks": {
        "action": "store_true",
        "help": "continue with a split that leaks through identical files, near duplicates or names, and say so on "
        "the card; a lesion in two parts is still refused",
    },
}


@dataclass(frozen=True)
class TableOptions(Options):
    """Sources of labelled photographs and the columns of those that are tables.

    Attributes:
        data: Folders of class folders, and tables.
        root: Folders of the photographs that tables list.
        reference: Table of photographs by id.
        id_column: Column with the photograph's id.
        label_column: Column with the class.
        group_column: Column with the lesion or patient.
    """

    data: tuple[str, ...]
    root: tuple[str, ...]
    reference: str | None
    id_column: str | None
    label_column: str | None
    group_column: str | None


@dataclass(frozen=True)
class DataOptions(TableOptions):
    """Labelled photographs and their split, as `DATA_FLAGS` declare them.

    Attributes:
        split: Table with the part of photographs by id.
        validation_share: Share of the validation part, 0 to 1.
        test_share: Share of the test part, 0 to 1.
        seed: Random seed, 0 or more.
        allow_leaks: Whether a split that leaks is accepted.
        source_column: Column with the hospital, camera or collection.
        validate_on_source: Sources whose photographs are all in validation.
    """

    split: str | None
    validation_share: float
    test_share: float
    seed: int
    allow_leaks: bool
    source_column: str | None
    validate_on_source: tuple[str, ...]


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `DataOptions` holds."""
    names = list(DATA_FLAGS)
    first_of_split = names.index("split")
    add_group(parser, "labelled photographs", {name: DATA_FLAGS[name] for name in names[:first_of_split]})
    add_group(parser, "split", {name: DATA_FLAGS[name] for name in names[first_of_split:]})


def columns_of(options: TableOptions, where: str) -> "Columns | None":
    """Returns the column names of the tables, or None without any table.

    Args:
        options: Parsed flags.
        where: Name of `data` on the command line, for error messages.

    Raises:
        UsageError: Flags that belong together are not given together.
    """
    from melanoma.datasets.label_tables import Columns, is_table

    tables = [uri for uri in options.data if is_table(uri)]
    if bool(tables) != bool(options.root):
        raise UsageError(f"--root goes with a CSV or Parquet table in {where}; give both or neither")
    if tables or options.reference:
        return Columns(options.id_column, options.label_column, options.group_column)
    if options.id_column or options.label_column or options.group_column:
        raise UsageError(f"--id-column and --label-column go with a table in {where} or --reference; give all or none")
    return None


def sources_of(options: DataOptions) -> "Sources":
    """Returns the sources of the photographs after all checks that need not read any of them.

    Raises:
        UsageError: Flags that belong together are not given together.
    """
    from melanoma.training.fitting.preparation import Sources

    return Sources(
        data=options.data,
        roots=options.root,
        columns=columns_of(options, "--data"),
        reference=options.reference,
        split=options.split,
        validation=options.validation_share,
        test=options.test_share,
        seed=options.seed,
        source_column=options.source_column,
        validate_on=options.validate_on_source,
    )


def prepare(options: DataOptions, *, show_progress: bool = True, for_training: bool = True) -> "Prepared":
    """Reads, cleans and splits the photographs, and prints how many each step removed and each part holds.

    Args:
        options: Parsed flags.
        show_progress: Whether to draw a progress bar, if the error stream is a terminal.
        for_training: Whether a network will be trained on them.

    Raises:
        DataError: The split leaks, and --allow-leaks is not given.
        MelanomaError: The data cannot be used.
    """
    from melanoma.datasets.split_folders import describe_parts
    from melanoma.training.fitting import preparation

    sources = sources_of(options)
    with tqdm(unit="image", desc="checked", disable=None if show_progress else True, dynamic_ncols=True) as bar:
        prepared = preparation.prepare(sources, lambda total: bar.reset(total), bar.update, for_training=for_training)
    if totals := prepared.coverage.sentence():
        print(totals)
    if left_out := prepared.coverage.warning():
        print(f"WARNING: {left_out}")
    for step in prepared.steps:
        print(f"{step.left:7} photographs, {step.dropped:5} removed: {step.what}")
    for label, counts in prepared.dataset.tally().items():
        print(f"{label:28}" + "".join(f"{part:>12} {count:5}" for part, count in counts.items()))
    by_folders = describe_parts(prepared.dataset.photographs, prepared.dataset.parts.tolist())
    if by_folders:
        print(by_folders)
    if prepared.leaks:
        found = preparation.describe_leaks(prepared)
        remedy = "correct --split" if options.split else "give each of its folders as --data to split them anew"
        if not options.allow_leaks:
            raise DataError(
                f"the split leaks: {found}; inspect it with melanoma audit and {remedy}, or add --allow-leaks"
            )
        print(f"the split leaks: {found}; continuing because of --allow-leaks")
    return prepared
