"""`melanoma table`: history, models, promotion, deletion, compaction, clean-up and erasure."""

import argparse
import contextlib
import datetime
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from jobs.console.arg_types import whole

if TYPE_CHECKING:
    from melanoma.table.score_table import ScoreTable
from jobs.console.exit_codes import OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares one action for each kind of maintenance."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        action.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
        return action

    history = add("history", "show the versions of the table, newest first")
    history.add_argument("--json", action="store_true", help="print JSON")
    models = add("models", "show the models in the table, and which one is promoted")
    models.add_argument("--json", action="store_true", help="print JSON")
    promote = add("promote", "make a model's results the current ones")
    promote.add_argument("model_id", metavar="MODEL_ID", help="model to promote, as table models prints it")
    delete = add("delete", "delete all rows of a model that is not promoted")
    delete.add_argument("--model", required=True, metavar="MODEL_ID", help="model whose rows are deleted")
    delete.add_argument("--yes", action="store_true", help="delete them; without it, only print how many there are")
    add("compact", "merge the small files of many runs; no row changes")
    vacuum = add("vacuum", "delete data files that were replaced longer ago than the retention period")
    vacuum.add_argument(
        "--retention-days", type=whole, default=7, metavar="N", help="retention period, 7 or more (default: 7)"
    )
    vacuum.add_argument("--yes", action="store_true", help="delete them; without it, only print how many there are")
    forget = add("forget", "erase photographs for good: rows, data files, staged rows and report lines")
    forget.add_argument(
        "--uris", required=True, metavar="FILE", help="text file with one URI or path per line, as in the table"
    )


def run(args: argparse.Namespace) -> int:
    """Does what is asked for."""
    _ACTIONS[args.action](args)
    return OK


def _table(args: argparse.Namespace) -> "ScoreTable":
    from melanoma.table.score_table import ScoreTable

    return ScoreTable.in_folder(args.table)


@contextlib.contextmanager
def _alone(args: argparse.Namespace) -> Iterator["ScoreTable"]:
    """Keeps nights away while the block deletes."""
    from melanoma.runs import heartbeats
    from melanoma.runs.run import time_stamp

    table = _table(args)  # a mistyped path must not become a folder with a heartbeat
    now = datetime.datetime.now(datetime.UTC)
    with heartbeats.beating(table.layout, f"{time_stamp(now)}-{args.action}"):
        yield _table(args)


def _history(args: argparse.Namespace) -> None:

    versions = _table(args).history()
    if args.json:
        print(json.dumps([asdict(version) for version in versions], indent=1))
        return
    for version in versions:
        moment = datetime.datetime.fromtimestamp(version.moment / 1000, datetime.UTC)
        rows = "" if version.rows is None else f"{version.rows:,} rows"
        print(f"{version.number:>6}  {moment:%Y-%m-%d %H:%M:%S} UTC  {version.what}  {version.run_id}  {rows}".rstrip())


def _models(args: argparse.Namespace) -> None:

    models = _table(args).models()
    if args.json:
        print(json.dumps([asdict(model) for model in models], indent=1))
        return
    for model in models:
        mark = "promoted" if model.is_promoted else ""
        print(f"{model.model_id}  {model.rows:>12,} rows  first {model.first}  last {model.last}  {mark}".rstrip())


def _promote(args: argparse.Namespace) -> None:

    version = _table(args).promote(args.model_id)
    print(f"{args.model_id} is promoted, table version {version}: the view current shows its answers")


def _delete(args: argparse.Namespace) -> None:

    if not args.yes:
        known = {model.model_id: model.rows for model in _table(args).models()}
        print(f"{known.get(args.model, 0):,} rows of {args.model} would be deleted; say --yes to do it")
        return
    with _alone(args) as table:
        print(f"{table.delete_model(args.model):,} rows of {args.model} deleted")


def _compact(args: argparse.Namespace) -> None:

    with _alone(args) as table:
        before, after = table.compact()
    print(f"{before:,} files became {after:,}" if before else "nothing to merge")


def _vacuum(args: argparse.Namespace) -> None:

    with _alone(args) if args.yes else contextlib.nullcontext(_table(args)) as table:
        files, size = table.vacuum(args.retention_days, dry_run=not args.yes)
    said = "deleted" if args.yes else "would be deleted; say --yes to do it"
    print(f"{files:,} files of {size / 1e6:,.1f} MB, not needed for {args.retention_days} days: {said}")


def _forget(args: argparse.Namespace) -> None:
    from melanoma.operations import erasure
    from melanoma.reporting.publish import forget
    from melanoma.table.pseudonyms import Pseudonyms

    uris = erasure.read_uris(args.uris)
    with _alone(args) as table:
        erased = erasure.erase(table, uris)
        pseudonyms = Pseudonyms.of_table(table.layout)
        reports = forget(table.layout, {*uris, *map(pseudonyms.pseudonym, uris)})
    if erased.unknown:
        print(
            f"melanoma: warning: {erased.unknown:,} of {erased.asked:,} names were not in the table; melanoma explain "
            "tells how it spells one",
            file=sys.stderr,
        )
    print(
        f"{erased.asked:,} photographs forgotten: {erased.rows:,} rows, {erased.files:,} replaced data files, "
        f"{erased.staged:,} staged files deleted, {reports:,} reports changed; {erased.unknown:,} were not in the "
        "table. No night scores them again. Earlier versions of the table, backups and exports: see docs/use/table.md"
    )


_ACTIONS = {
    "history": _history,
    "models": _models,
    "promote": _promote,
    "delete": _delete,
    "compact": _compact,
    "vacuum": _vacuum,
    "forget": _forget,
}
