"""`melanoma audit`: finds duplicates, contradictory labels and leaks in labelled data, before it is used."""

import argparse
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from jobs.console.arg_types import whole
from jobs.console.commands import add_flags
from jobs.console.data_flags import DATA_FLAGS, TableOptions, columns_of
from jobs.console.exit_codes import OK
from jobs.console.targets import check_folders
from melanoma.errors import UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.audit.findings import Finding
    from melanoma.audit.sets import SetOptions, Sets
    from melanoma.audit.ties import Tie

FOUND = 1
_KINDS = ("leak", "labels", "groups", "duplicate", "broken")
_DEFAULT_FAIL_ON = ("leak", "labels")

_OPTIONS: dict[str, dict[str, Any]] = {
    "root": {
        "action": "append",
        "default": [],
        "metavar": "FOLDER",
        "help": "folder of the photographs that tables list; repeatable, each is read from the first that has it",
    },
    **{name: DATA_FLAGS[name] for name in ("reference", "id-column", "label-column")},
    "group-column": {"metavar": "NAME", "help": "table column: lesion or patient"},
    "part-column": {
        "metavar": "NAME",
        "help": "column of tables in DATA: part of a split, such as train or test",
    },
    "source-column": {
        "metavar": "NAME",
        "help": "column of tables in DATA: hospital, camera or collection, to see whether it tells the class; "
        "without it each DATA is a source",
    },
    "unlabelled": {
        "action": "store_true",
        "help": "folders in DATA hold photographs at any depth, and their names are not classes",
    },
    "upright": {
        "action": "store_true",
        "help": "do not search for turned or mirrored copies; 2.5 times faster",
    },
    "output": {"metavar": "FOLDER", "help": "write findings.csv, audit.json and audit.html to this folder"},
    "examples": {
        "type": partial(whole, least=0),
        "default": 24,
        "metavar": "N",
        "help": "largest number of pairs on the page for each kind of finding and basis (default: %(default)s)",
    },
    "fail-on": {
        "action": "append",
        "default": [],
        "choices": (*_KINDS, "nothing"),
        "help": "exit with code 1 if there is any such finding; repeatable (default: leak and labels)",
    },
}


@dataclass(frozen=True)
class AuditOptions(TableOptions):
    """Arguments of `melanoma audit`; each field has the name of its flag.

    Attributes:
        part_column: Column of tables with the part of a split.
        source_column: Column of tables with the hospital, camera or collection.
        unlabelled: Whether the names of folders are not classes.
        upright: Whether turned and mirrored copies are left out.
        output: Folder for the files; None to write none.
        examples: Largest number of pairs on the page, for each kind and basis.
        fail_on: Kinds of findings that make the exit code 1, or `nothing`; empty for the default.
    """

    part_column: str | None
    source_column: str | None
    unlabelled: bool
    upright: bool
    output: str | None
    examples: int
    fail_on: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "data",
        nargs="+",
        metavar="DATA",
        help="folder with one subfolder per class, folder of photographs, or CSV or Parquet table; each DATA is one "
        "set, and no two sets should share a photograph; nor should its folders that are named train, test and so on",
    )
    add_flags(parser, _OPTIONS)


def run(args: argparse.Namespace) -> int:
    """Audits the data, prints the counts, and writes the files if there is an --output.

    Returns:
        Exit code 0, or 1 if there is a finding of a kind that --fail-on names.

    Raises:
        MelanomaError: The arguments do not fit together, or the data cannot be read.
    """
    options = AuditOptions.from_args(args)
    set_options = _set_options(options)
    check_folders(options.output)
    from melanoma.audit import audit, hash_files, sets, text_report, ties, traits

    if options.output:
        _check_writable(options.output)
    found = sets.read_sets(options.data, set_options)
    with tqdm(total=len(found.photographs), unit="image", desc="hashed", disable=None, dynamic_ncols=True) as bar:
        hashes, unreadable = hash_files.hash_photographs(found.photographs, bar.update, turned=not options.upright)
    findings = audit.audit(found, hashes, unreadable)
    tied = ties.find_ties(found, traits.read_traits(found.photographs))
    for line in [*text_report.text_report(found, findings, unreadable), *ties.tie_lines(tied)]:
        print(printable(line))
    if options.output:
        _write_files(options.output, options.examples, found, findings, unreadable, tied)
    fail_on = options.fail_on or _DEFAULT_FAIL_ON
    return FOUND if any(finding.kind in fail_on for finding in findings) else OK


def _set_options(options: AuditOptions) -> "SetOptions":
    """Returns how to read the sets, after all checks that need not read any of them.

    Raises:
        UsageError: Flags that belong together are not given together.
    """
    from melanoma.audit.sets import SetOptions
    from melanoma.datasets.label_tables import is_table

    columns = columns_of(options, "DATA")
    if options.part_column and not any(map(is_table, options.data)):
        raise UsageError("--part-column goes with a CSV or Parquet table in DATA")
    if options.source_column and not any(map(is_table, options.data)):
        raise UsageError("--source-column goes with a CSV or Parquet table in DATA")
    if "nothing" in options.fail_on and len(options.fail_on) > 1:
        raise UsageError("--fail-on nothing cannot be combined with another --fail-on; give one of them")
    return SetOptions(
        columns, options.root, options.part_column, options.reference, options.unlabelled, options.source_column
    )


def _check_writable(folder: str) -> None:
    """Writes and removes a file, so that a long audit does not fail at its end."""
    from melanoma import storage

    probe = storage.join(storage.canonical(folder), f"probe-{uuid.uuid4().hex[:8]}")
    storage.check_writable(folder, probe)


def _write_files(
    folder: str,
    max_examples: int,
    sets: "Sets",
    findings: "Sequence[Finding]",
    unreadable: dict[int, str],
    ties: "Sequence[Tie]",
) -> None:
    from melanoma import storage
    from melanoma.audit import exports, page

    files = {
        "findings.csv": exports.to_csv(sets, findings),
        "audit.json": exports.to_json(sets, findings, unreadable, ties),
        "audit.html": page.page(sets, findings, unreadable, max_examples, ties).encode(),
    }
    for name, data in files.items():
        storage.write_bytes(storage.join(storage.canonical(folder), name), data)
    print(f"\n{folder}: {', '.join(files)} (the page holds photographs: do not publish it)")
