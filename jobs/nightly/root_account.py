"""`melanoma explain --images`: which photographs of a root are in the score table, and why the others are not."""

import argparse
import datetime
import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console.exit_codes import OK
from jobs.console.wording import counted
from jobs.nightly.flags import add_source_arguments
from jobs.nightly.options import SourceOptions
from melanoma.errors import UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.queries.root_account import Finding, RootAccount
    from melanoma.table.models import ModelFacts
    from melanoma.table.score_table import ScoreTable

_REASONS = {
    "scored": "scored",
    "failed": "failed",
    "changed": "changed since it was scored",
    "deferred": "deferred by the last run",
    "new": "new since the last run",
    "not_tried": "not tried yet, though not newer than the last run",
    "not_in_store": "named by the manifest, but not in the store",
    "forgotten": "erased with melanoma table forget",
    "duplicate": "listed again",
}
_NEXT = {"skip": "", "score": "the next run scores it", "try again": "the next run tries again"}


@dataclass(frozen=True)
class AccountOptions(SourceOptions):
    """Arguments of `melanoma explain` for all photographs of a root.

    Attributes:
        table: Folder of the score table.
        model: Id or name of the model; None for the current one.
        names: File for one row per photograph.
        json: Whether to print JSON.
    """

    table: str
    model: str | None
    names: str | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags of `AccountOptions` that `melanoma explain` does not declare itself."""
    group = parser.add_argument_group("all photographs of a root instead of one (--images or --manifest)")
    add_source_arguments(group)
    group.add_argument("--model", metavar="NAME_OR_ID", help="model to account for (default: the current model)")
    group.add_argument(
        "--names", metavar="FILE", help="write one row per photograph to this .csv, .json or .parquet file"
    )
    parser.set_defaults(keep=[])


def refuse_flags(args: argparse.Namespace) -> None:
    """Refuses flags about a root beside a single photograph.

    Raises:
        UsageError: There is one.
    """
    options = AccountOptions.from_args(args)
    given = [options.images, options.pattern, options.manifest, options.since, options.uri_base, options.model]
    if any([*given, options.names]):
        raise UsageError("give either the URI of one photograph, or --images or --manifest for all of a root")


def run(options: AccountOptions) -> int:
    """Prints how many photographs of a root are in the table, and why the others are not; returns the exit code.

    Raises:
        UsageError: The root, the table or the file for the names cannot be used.
    """
    from jobs.nightly.plan import sources_of
    from melanoma.queries.known_photographs import KnownPhotographs
    from melanoma.queries.root_account import RootAccount, explain_root
    from melanoma.queries.root_names import write_names
    from melanoma.table.score_table import ScoreTable

    if not (options.images or options.manifest):
        raise UsageError("give the URI of one photograph, or --images or --manifest for all of a root")
    table = ScoreTable.in_folder(options.table)
    model = _model(table, options.model)
    known, account = KnownPhotographs.read(table, model.model_id), RootAccount()
    explained = explain_root(known, sources_of(options, table.layout), datetime.date.today(), account)
    if options.names:
        rows = write_names(explained, options.names)
        print(f"{counted(rows, 'photograph')} written to {options.names}", file=sys.stderr)
    deque(explained, maxlen=0)  # nothing is left if the names were written
    print(_as_json(model, account) if options.json else printable("\n".join(_lines(model, account)), keep="\n"))
    return OK


def _model(table: "ScoreTable", named: str | None) -> "ModelFacts":
    from melanoma.runs.model_names import model_called

    if (chosen := named or table.promoted()) is None:
        raise UsageError(f"{table.layout}: the score table has no rows, so that no photograph of a root is in it")
    return model_called(table, chosen)


def _lines(model: "ModelFacts", account: "RootAccount") -> Iterator[str]:
    scored = sum(number for finding, number in account.photographs.items() if finding.reason == "scored")
    yield f"{scored:,} of {account.listed:,} listed photographs are in the table with scores of {model.shown}."
    rows = [(number, _words(finding)) for finding, number in _in_order(account)]
    rows += [(number, f"file that is ignored: {kind}") for kind, number in account.ignored.most_common()]
    width = max((len(f"{number:,}") for number, _ in rows), default=0)
    yield from (f"  {number:>{width},}  {words}" for number, words in rows)


def _words(finding: "Finding") -> str:
    kind = f": {finding.error_kind}" if finding.error_kind else ""
    following = _NEXT[finding.next_run]
    return f"{_REASONS[finding.reason]}{kind}{f'; {following}' if following else ''}"


def _in_order(account: "RootAccount") -> list[tuple["Finding", int]]:
    order = list(_REASONS)
    return sorted(account.photographs.items(), key=lambda one: (order.index(one[0].reason), -one[1], one[0]))


def _as_json(model: "ModelFacts", account: "RootAccount") -> str:
    document: dict[str, Any] = {
        "model_id": model.model_id,
        "model_name": model.name,
        "listed": account.listed,
        "photographs": [{**finding._asdict(), "photographs": number} for finding, number in _in_order(account)],
        "ignored": dict(account.ignored.most_common()),
    }
    return json.dumps(document, indent=1)
