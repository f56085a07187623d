"""`melanoma table`: history, models, promotion, deletion, compaction, clean-up and erasure."""

import argparse

from jobs.console.arg_types import whole
from jobs.console.commands import add_command
from jobs.console.exit_codes import OK
from jobs.table_actions import Compact, Delete, Forget, History, Models, Promote, TableAction, Vacuum

_ACTIONS: dict[str, type[TableAction]] = {
    "history": History,
    "models": Models,
    "promote": Promote,
    "delete": Delete,
    "compact": Compact,
    "vacuum": Vacuum,
    "forget": Forget,
}


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
    """Runs the action that was chosen and returns the exit code."""
    _ACTIONS[args.action].from_args(args).run()
    return OK
