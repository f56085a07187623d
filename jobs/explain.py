"""`melanoma explain`: every attempt to score one photograph, or the state of all photographs of a root."""

import argparse
import datetime
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console.exit_codes import OK
from jobs.console.options import Options
from jobs.nightly import root_account
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.queries.explain import Explanation


@dataclass(frozen=True)
class ExplainOptions(Options):
    """Arguments of `melanoma explain`.

    Attributes:
        table: Folder of the score table.
        photograph: URI, path or pseudonym; None where all photographs of a root are meant.
        offline: Whether to leave out the check of the photograph in its store.
        json: Whether to print JSON.
    """

    table: str
    photograph: str | None
    offline: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    parser.add_argument(
        "photograph",
        metavar="URI",
        nargs="?",
        help="URI or path of the photograph, or its pseudonym from a report",
    )
    parser.add_argument("--offline", action="store_true", help="do not check the photograph in its store")
    parser.add_argument("--json", action="store_true", help="print JSON")
    root_account.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints every attempt to score the photograph, and what the next run will do; returns the exit code.

    With `--images` or `--manifest`, accounts for every photograph there instead.
    """
    options = ExplainOptions.from_args(args)
    if options.photograph is None:
        return root_account.run(root_account.AccountOptions.from_args(args))
    root_account.refuse_flags(args)
    from melanoma.queries.explain import explain
    from melanoma.table.score_table import ScoreTable

    table = ScoreTable.in_folder(options.table)
    explanation = explain(table, options.photograph, datetime.date.today(), not options.offline)
    print(_as_json(explanation) if options.json else printable(_as_text(explanation), keep="\n"))
    return OK


def _as_text(explanation: "Explanation") -> str:
    lines = [explanation.uri]
    for row in explanation.rows:
        size = f"{row['width']}x{row['height']}" if row["width"] else "size unknown"
        lines += [
            "",
            f"{row['scored_at']:%Y-%m-%d %H:%M} UTC  {row['model_id']}  attempt {row['attempt']}: {row['status']}",
            f"  run       {row['run_id']}",
            f"  version   {row['image_version'] or '(none)'}, {size}",
            *_result(row),
        ]
    lines += ["", "The next run"]
    lines += [f"  {outlook.model_id}  {outlook.does}: {outlook.why}" for outlook in explanation.outlooks]
    return "\n".join([*lines, "", NO_DIAGNOSIS])


def _result(row: dict[str, Any]) -> list[str]:
    """Returns the lines about one attempt's result: the error, or the class with its probabilities and notes."""
    from melanoma.labels import name_of
    from melanoma.queries.explain import most_likely_classes

    if row["error_kind"]:
        return [f"  error     {row['error_kind']}: {row['error']}"]
    probabilities = ", ".join(f"{name_of(slug).lower()} {value:.3f}" for slug, value in most_likely_classes(row))
    notes = [
        "flagged as melanoma" if row["flag_melanoma"] else "",
        f"needs review: {str(row['review_reason']).replace('_', ' ')}" if row["review"] else "",
        f"out-of-distribution score {row['ood_score']:.2f}" if row["ood_score"] is not None else "",
    ]
    line = f"  class     {name_of(row['top_label']).lower()} ({probabilities})"
    text = "; ".join(note for note in notes if note)
    return [line, f"  notes     {text}"] if text else [line]


def _as_json(explanation: "Explanation") -> str:
    document = {
        "uri": explanation.uri,
        "version": explanation.version,
        "rows": list(explanation.rows),
        "next_night": [vars(outlook) for outlook in explanation.outlooks],
    }
    return json.dumps(document, indent=1, default=str, ensure_ascii=True)
