"""`melanoma audit`: what labelled data hides, before anything is trained on it or judged by it."""

import argparse
import uuid
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from jobs.console.arg_types import whole
from jobs.console.data_flags import DATA_FLAGS, TableOptions, columns_of
from jobs.console.exit_codes import OK
from melanoma.errors import UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.audit.findings import Finding
    from melanoma.audit.sets import Reading, Sets
    from melanoma.audit.summary import Line

FOUND = 1
_KINDS = ("leak", "labels", "groups", "duplicate", "broken")
_LINES = 6

_OPTIONS: dict[str, dict[str, Any]] = {
    "root": {
        "action": "append",
        "default": [],
        "metavar": "FOLDER",
        "help": "where the photographs of tables lie; repeatable",
    },
    **{name: DATA_FLAGS[name] for name in ("reference", "id-column", "label-column")},
    "group-column": {"metavar": "NAME", "help": "of a table: lesion or patient"},
    "part-column": {"metavar": "NAME", "help": "of tables in DATA: part of a split, such as train or test"},
    "unlabelled": {"action": "store_true", "help": "folders in DATA hold photographs at any depth, and name no class"},
    "upright": {
        "action": "store_true",
        "help": "do not look for copies that were turned or mirrored: 2.5 times faster",
    },
    "output": {"metavar": "FOLDER", "help": "gets findings.csv, audit.json and audit.html"},
    "examples": {
        "type": partial(whole, least=0),
        "default": 24,
        "metavar": "N",
        "help": "pairs shown on the page, of each kind and way of knowing (default: %(default)s)",
    },
    "fail-on": {
        "action": "append",
        "choices": (*_KINDS, "nothing"),
        "help": "exit with 1 where there is any; repeatable (default: leak and labels)",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "data",
        nargs="+",
        metavar="DATA",
        help="folder of class folders, folder of photographs, or CSV or Parquet table; several are several sets, "
        "which must not share a photograph",
    )
    for name, details in _OPTIONS.items():
        parser.add_argument(f"--{name}", **details)


def run(args: argparse.Namespace) -> int:
    """Audits, prints the counts and writes what was asked for.

    Returns:
        Exit code 0, or 1 where something was found that --fail-on names.

    Raises:
        MelanomaError: Arguments or data that cannot work.
    """
    reading = _check(args)
    from melanoma import storage
    from melanoma.audit import audit, hash_files, page, sets, summary

    if args.output:
        _probe(args.output)
    found = sets.read_sets(args.data, reading)
    refused: dict[int, str] = {}
    with tqdm(total=len(found.photographs), unit="image", desc="looked at", disable=None, dynamic_ncols=True) as bar:
        hashes = hash_files.hash_photographs(found.photographs, bar.update, turned=not args.upright, refused=refused)
    findings = audit.audit(found, hashes, refused)
    _show(found, findings, summary.lines_of(found, findings), refused)
    if args.output:
        for name, data in (
            ("findings.csv", summary.to_csv(found, findings)),
            ("audit.json", summary.to_json(found, findings, refused)),
            ("audit.html", page.page(found, findings, refused, args.examples).encode()),
        ):
            storage.write_bytes(storage.join(storage.canonical(args.output), name), data)
        print(f"\n{args.output}: findings.csv, audit.json, audit.html (it holds photographs: do not publish it)")
    bad = set(args.fail_on or ("leak", "labels"))
    return FOUND if any(finding.kind in bad for finding in findings) else OK


def _check(args: argparse.Namespace) -> "Reading":
    """Checks what can be checked before anything is read."""
    from melanoma.audit.sets import Reading
    from melanoma.datasets.reading import is_table

    columns = columns_of(TableOptions.from_args(args), "DATA")
    if args.part_column and not any(map(is_table, args.data)):
        raise UsageError("--part-column goes with a CSV or Parquet table in DATA")
    if "nothing" in (args.fail_on or ()) and len(args.fail_on) > 1:
        raise UsageError("--fail-on nothing excludes every other --fail-on")
    return Reading(columns, args.root, args.part_column, args.reference, args.unlabelled)


def _probe(folder: str) -> None:
    """Writes and removes a file, so that a long look is not lost at its end."""
    from melanoma import storage

    probe = storage.join(storage.canonical(folder), f"probe-{uuid.uuid4().hex[:8]}")
    storage.write_bytes(probe, b"probe")
    storage.remove(probe)


def _show(sets: "Sets", findings: "Sequence[Finding]", lines: "Sequence[Line]", refused: dict[int, str]) -> None:
    from melanoma.audit import summary
    from melanoma.audit.page import KNOWN_BY, TITLES

    rows: list[tuple[str, ...]] = [("set", "", "photographs", "contents", "groups")]
    for of in summary.describe_sets(sets, refused):
        absent = f"{of['absent']:,} more are listed but absent" if of["absent"] else ""
        rows.append((of["name"], absent, *(f"{of[column]:,}" for column in ("photographs", "contents", "groups"))))
    _print(rows, range(2, 5))
    if not findings:
        print("\nnothing found: no leak, no contradictory label, no duplicate, no broken file")
        return
    rows = [("finding", "where", "known by", "count", "")]
    left: dict[tuple[str, str], int] = {}
    for line in lines:
        left[line.kind, line.basis] = left.get((line.kind, line.basis), 0) + 1
        if left[line.kind, line.basis] <= _LINES:
            count = f"{len(line.findings):,}"
            rows.append((TITLES[line.kind].lower(), line.where, KNOWN_BY[line.basis], count, line.share))
    print()
    _print(rows, range(3, 4))
    more = sum(max(0, number - _LINES) for number in left.values())
    if more:
        print(f"and {more} smaller lines, in audit.json under --output")
    counts = summary.concerned(findings)
    print("\nphotographs concerned: " + ", ".join(f"{TITLES[kind].lower()} {counts[kind]:,}" for kind in counts))


def _print(rows: Sequence[Sequence[str]], numbers: range) -> None:
    """Prints columns, numbers to the right; a column without a word is left out."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            if width
        ]
        print(printable("  ".join(cells).rstrip()))
