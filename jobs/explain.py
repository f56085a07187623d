"""`melanoma explain`: every attempt to score one photograph, or the state of all photographs of a root."""

import argparse
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console.exit_codes import OK
from jobs.console.options import Options
from jobs.nightly import root_account
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.errors import UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.model.description import Description
    from melanoma.queries.explain import Explanation

_NOT_DIVIDED = "(not divided, as the class is rarer than 1 in 200)"


@dataclass(frozen=True)
class ExplainOptions(Options):
    """Arguments of `melanoma explain`.

    Attributes:
        table: Folder of the score table.
        photograph: URI, path, pseudonym or image_id; None where all photographs of a root are meant.
        bundle: Bundles of models, where they are not on the search path.
        offline: Whether to leave out the check of the photograph in its store.
        json: Whether to print JSON.
    """

    table: str
    photograph: str | None
    bundle: tuple[str, ...]
    offline: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    parser.add_argument(
        "photograph",
        metavar="URI",
        nargs="?",
        help="URI or path of the photograph, its pseudonym from a report, or its image_id (several photographs may "
        "share one: all are shown)",
    )
    parser.add_argument(
        "--bundle",
        action="append",
        default=[],
        metavar="NAME_OR_FOLDER",
        help="bundle of a model, to show why its class is not the most probable one, if no bundle known by name is it; "
        "may be repeated",
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
        if options.bundle or options.offline:
            raise UsageError("--bundle and --offline are about one photograph, whose URI is missing; leave them out")
        return root_account.run(root_account.AccountOptions.from_args(args))
    root_account.refuse_flags(args)
    from melanoma.queries.decisions import models_in, rules_of
    from melanoma.queries.explain import explain_all
    from melanoma.table.score_table import ScoreTable

    table = ScoreTable.in_folder(options.table)
    found = explain_all(table, options.photograph, datetime.date.today(), not options.offline)
    rules = rules_of(models_in(row for explanation in found for row in explanation.rows), options.bundle)
    if options.json:
        documents = [_document(explanation, rules) for explanation in found]
        print(json.dumps(documents[0] if len(documents) == 1 else documents, indent=1, default=str, ensure_ascii=True))
        return OK
    several = [f"{len(found)} photographs have this id", ""] if len(found) > 1 else []
    texts = "\n\n".join(_as_text(explanation, rules) for explanation in found)
    print(printable("\n".join([*several, texts, "", NO_DIAGNOSIS]), keep="\n"))
    return OK


def _as_text(explanation: "Explanation", rules: Mapping[str, "Description"]) -> str:
    lines = [explanation.uri]
    for row in explanation.rows:
        size = f"{row['width']}x{row['height']}" if row["width"] else "size unknown"
        lines += [
            "",
            f"{row['scored_at']:%Y-%m-%d %H:%M} UTC  {row['model_id']}  attempt {row['attempt']}: {row['status']}",
            f"  run       {row['run_id']}",
            f"  version   {row['image_version'] or '(none)'}, {size}",
            *_kept(row),
            *_result(row, rules.get(row["model_id"])),
        ]
    lines += ["", "The next run"]
    lines += [f"  {outlook.model_id}  {outlook.does}: {outlook.why}" for outlook in explanation.outlooks]
    return "\n".join(lines)


def _kept(row: dict[str, Any]) -> list[str]:
    """Returns the line with what was kept from the manifest; none if nothing was."""
    from melanoma.table.schema import COLUMNS, PROBABILITY_PREFIX

    own = {column.name for column in COLUMNS}
    names = [name for name in row if name not in own and not name.startswith((PROBABILITY_PREFIX, "_"))]
    values = "; ".join(f"{name} {row[name]}" for name in names if row[name] is not None)
    return [f"  manifest  {values}"] if values else []


def _result(row: dict[str, Any], rule: "Description | None") -> list[str]:
    """Returns the lines about one attempt's result: the error, or the class with its probabilities and notes."""
    from melanoma.labels import name_of
    from melanoma.queries.decisions import most_likely_classes

    if row["error_kind"]:
        return [f"  error     {row['error_kind']}: {row['error']}"]
    probabilities = ", ".join(f"{name_of(slug).lower()} {value:.3f}" for slug, value in most_likely_classes(row))
    notes = [
        "p_melanoma is at or above the threshold of flag_melanoma" if row["flag_melanoma"] else "",
        f"needs review: {str(row['review_reason']).replace('_', ' ')}" if row["review"] else "",
        f"out-of-distribution score {row['ood_score']:.2f}" if row["ood_score"] is not None else "",
    ]
    lines = [f"  class     {name_of(row['top_label']).lower()} ({probabilities})", *_reason(row, rule)]
    text = "; ".join(note for note in notes if note)
    return [*lines, f"  notes     {text}"] if text else lines


def _reason(row: dict[str, Any], rule: "Description | None") -> list[str]:
    """Returns the lines that say why the class of a row is not the one with the largest probability; none if it is."""
    from melanoma.labels import name_of
    from melanoma.queries.decisions import differs_from_largest, weighed_classes

    if not differs_from_largest(row):
        return []
    if rule is None:
        return [
            "  why       not the largest probability: the decision rule of the model weighs rare classes up; give its",
            "            bundle with --bundle to see the numbers",
        ]
    lines = [
        "  why       not the largest probability: the model's decision rule divides each probability by the share of",
        "            the class in its prior, as if all classes were equally frequent, and takes the largest quotient",
    ]
    for entry in weighed_classes(row, rule):
        is_divided = entry.divisor == entry.prior
        result = f"/ prior {entry.prior:.3f} = {entry.quotient:.2f}" if is_divided else _NOT_DIVIDED
        lines.append(f"            {name_of(entry.slug).lower()}: probability {entry.probability:.3f} {result}")
    return lines


def _document(explanation: "Explanation", rules: Mapping[str, "Description"]) -> dict[str, Any]:
    return {
        "uri": explanation.uri,
        "version": explanation.version,
        "rows": [{**row, **_decision(row, rules.get(row["model_id"]))} for row in explanation.rows],
        "next_night": [vars(outlook) for outlook in explanation.outlooks],
    }


def _decision(row: dict[str, Any], rule: "Description | None") -> dict[str, Any]:
    """Returns what the decision rule made of the classes, for a row whose class is not the most probable one."""
    from melanoma.queries.decisions import differs_from_largest, weighed_classes

    if rule is None or not differs_from_largest(row):
        return {}
    weighed = [entry._asdict() for entry in weighed_classes(row, rule)]
    return {"decision": {"rule": rule.decision_rule, "classes": weighed}}
