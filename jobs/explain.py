"""`melanoma explain`: every attempt to score one photograph, and what comes next."""

import argparse
import datetime
import json
from typing import TYPE_CHECKING, Any

from jobs.console.exit_codes import OK
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.queries.explain import Explanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    parser.add_argument(
        "photograph",
        metavar="URI",
        help="URI or path of the photograph, or its pseudonym from a report",
    )
    parser.add_argument("--offline", action="store_true", help="do not check the photograph in its store")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Prints every attempt, and what the next night will do."""
    from melanoma.queries.explain import explain
    from melanoma.table.score_table import ScoreTable

    found = explain(ScoreTable.in_folder(args.table), args.photograph, datetime.date.today(), not args.offline)
    print(_as_json(found) if args.json else printable(_as_text(found), keep="\n"))
    return OK


def _as_text(found: "Explanation") -> str:
    lines = [found.uri]
    for row in found.rows:
        size = f"{row['width']}x{row['height']}" if row["width"] else "size unknown"
        lines += [
            "",
            f"{row['scored_at']:%Y-%m-%d %H:%M} UTC  {row['model_id']}  attempt {row['attempt']}: {row['status']}",
            f"  run       {row['run_id']}",
            f"  version   {row['image_version'] or '(none)'}, {size}",
            *_result(row),
        ]
    lines += ["", "The next night"]
    lines += [f"  {outlook.model_id}  {outlook.does}: {outlook.why}" for outlook in found.outlooks]
    return "\n".join([*lines, "", NO_DIAGNOSIS])


def _result(row: dict[str, Any]) -> list[str]:
    from melanoma.labels import name_of
    from melanoma.queries.explain import likeliest

    if row["error_kind"]:
        return [f"  error     {row['error_kind']}: {row['error']}"]
    classes = ", ".join(f"{name_of(slug).lower()} {value:.3f}" for slug, value in likeliest(row))
    notes = [
        "flagged as melanoma" if row["flag_melanoma"] else "",
        f"to be reviewed: {str(row['review_reason']).replace('_', ' ')}" if row["review"] else "",
        f"ood score {row['ood_score']:.2f}" if row["ood_score"] is not None else "",
    ]
    said = "; ".join(note for note in notes if note)
    chosen = f"  class     {name_of(row['top_label']).lower()} ({classes})"
    return [chosen, f"  notes     {said}"] if said else [chosen]


def _as_json(found: "Explanation") -> str:
    document = {
        "uri": found.uri,
        "version": found.version,
        "rows": list(found.rows),
        "next_night": [vars(outlook) for outlook in found.outlooks],
    }
    return json.dumps(document, indent=1, default=str, ensure_ascii=True)
