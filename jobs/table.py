"""`melanoma table`: history, models, promotion, deletion, compaction, clean-up and erasure."""

import argparse
import contextlib
import datetime
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from jobs.console.arg_types import days, whole
from jobs.console.commands import add_command
from jobs.console.exit_codes import OK
from jobs.console.wording import counted
from jobs.maintenance.action import TableAction
from jobs.maintenance.deletion import Delete
from jobs.maintenance.forgetting import Forget
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.table.models import ModelFacts


_EPOCH, _LAST_MOMENT = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC), 253_402_300_799_000  # until the year 9999


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares one action for each kind of maintenance."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        action = add_command(actions, name, purpose, parser.epilog)
        action.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
        return action

    history = add("history", "show the versions of the table, newest first")
    history.add_argument("--json", action="store_true", help="print JSON")
    models = add("models", "show the models in the table, and which one is promoted")
    models.add_argument("--json", action="store_true", help="print JSON")
    promote = add("promote", "make a model's results the current ones")
    promote.add_argument("model", metavar="NAME_OR_ID", help="model to promote, as table models prints it")
    delete = add("delete", "delete all rows of a model that is not promoted, or the rows of old runs")
    delete.add_argument("--model", metavar="NAME_OR_ID", help="the only model whose rows are deleted")
    delete.add_argument(
        "--older-than",
        type=days,
        metavar="TIME",
        help="delete only rows of runs that started more than this many days ago, such as 400d",
    )
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
    forget.add_argument("--yes", action="store_true", help="erase them; without it, only print what would be erased")


def run(args: argparse.Namespace) -> int:
    """Runs the action that was chosen and returns the exit code."""
    _ACTIONS[args.action].from_args(args).run()
    return OK


@dataclass(frozen=True)
class History(TableAction):
    """`table history`."""

    json: bool

    def run(self) -> None:
        """Prints every version, newest first."""
        versions = self._open().history()
        if self.json:
            print(json.dumps([asdict(version) for version in versions], indent=1))
            return
        for version in versions:
            moment = _EPOCH + datetime.timedelta(milliseconds=min(max(version.moment, 0), _LAST_MOMENT))
            rows = "" if version.rows is None else counted(version.rows, "row")
            line = f"{version.number:>6}  {moment:%Y-%m-%d %H:%M:%S} UTC  {version.what}  {version.run_id}  {rows}"
            print(printable(line.rstrip()))


@dataclass(frozen=True)
class Models(TableAction):
    """`table models`."""

    json: bool

    def run(self) -> None:
        """Prints every model with its number of rows."""
        from melanoma.runs.model_names import models_of

        models = models_of(self._open())
        if self.json:
            print(json.dumps([asdict(model) for model in models], indent=1))
            return
        width = max((len(model.name) for model in models), default=0)
        for model in models:
            name = f"  {model.name:<{width}}" if width else ""
            rows = counted(model.rows, "row")
            line = f"{model.model_id}{name}  {rows:>17}, first run {model.first}, last run {model.last}{_mark(model)}"
            print(printable(line))


def _mark(model: "ModelFacts") -> str:
    if model.is_default:
        return ", current (first model; none promoted)"
    return ", promoted" if model.is_promoted else ""


@dataclass(frozen=True)
class Promote(TableAction):
    """`table promote`."""

    model: str

    def run(self) -> None:
        """Promotes the model."""
        from jobs.console import output_modes
        from melanoma import storage
        from melanoma.runs.model_names import model_called

        table = self._open()
        model = model_called(table, self.model)
        with output_modes.like(storage.local_path(table.layout.log)):
            version = table.promote(model.model_id)
        print(f"{model.shown} is promoted in table version {version}; the view current now shows its results")


@dataclass(frozen=True)
class Compact(TableAction):
    """`table compact`."""

    def run(self) -> None:
        """Merges small files."""
        with self._without_runs() as table:
            before, after = table.compact()
        print(f"merged {counted(before, 'file')} into {after:,}" if before else "nothing to merge")


@dataclass(frozen=True)
class Vacuum(TableAction):
    """`table vacuum`."""

    retention_days: int
    yes: bool

    def run(self) -> None:
        """Deletes replaced files, or counts them."""
        with self._without_runs() if self.yes else contextlib.nullcontext(self._open()) as table:
            removal = table.vacuum(self.retention_days, dry_run=not self.yes)
        if not removal.files:
            print("nothing to delete")
            return
        outcome = "deleted" if self.yes else "would be deleted; run again with --yes"
        files = f"{counted(removal.files, 'file')} of {removal.size / 1e6:,.1f} MB"
        print(f"{files}, replaced more than {self.retention_days} days ago: {outcome}")


_ACTIONS: dict[str, type[TableAction]] = {
    action.__name__.lower(): action for action in (History, Models, Promote, Delete, Compact, Vacuum, Forget)
}
