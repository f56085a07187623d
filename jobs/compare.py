"""`melanoma compare`: two models, runs or runners on the same photographs."""

import argparse
from collections.abc import Mapping
from typing import Any

from jobs.console.exit_codes import OK
from jobs.console.label_flags import add_label_arguments
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.errors import UsageError
from melanoma.terminal import printable

_MOST_FLIPS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("old", metavar="OLD", help="score table of the old answers")
    parser.add_argument("new", metavar="NEW", nargs="?", help="score table of the new ones (default: OLD)")
    parser.add_argument("--old-model", metavar="M", help="whose rows of OLD, where it holds several models")
    parser.add_argument("--new-model", metavar="M", help="whose rows of NEW, where it holds several models")
    parser.add_argument("--old-run", metavar="RUN_ID", help="of OLD only what this run committed")
    parser.add_argument("--new-run", metavar="RUN_ID", help="of NEW only what this run committed")
    add_label_arguments(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Compares, prints the differences and writes the report."""
    from melanoma.evaluation.compare import compare
    from melanoma.evaluation.inputs.ground_truth import Columns, read_truths
    from melanoma.evaluation.inputs.table_predictions import read_answers
    from melanoma.evaluation.inputs.training_set import read_trained
    from melanoma.evaluation.metrics.agreement import pair
    from melanoma.table.score_table import ScoreTable

    truths = None
    if args.labels:
        if not (args.id_column and args.label_column):
            raise UsageError("--labels needs --id-column and --label-column, the names of its columns")
        truths = read_truths(args.labels, Columns(args.id_column, args.label_column, args.group_column))
    old = read_answers(ScoreTable.in_folder(args.old), args.old_model, "--old-model", args.old_run)
    new = read_answers(ScoreTable.in_folder(args.new or args.old), args.new_model, "--new-model", args.new_run)
    sides = [(args.old, old.model_id, args.old_run), (args.new or args.old, new.model_id, args.new_run)]
    if sides[0] == sides[1]:
        raise UsageError(f"{args.old}: both sides are {old.model_id} of one table; name two models, runs or tables")
    report = compare(pair(old, new), truths, read_trained(args.trained_on), args.seed)
    print(printable(_summary(report), keep="\n"))
    if args.output:
        from melanoma.evaluation.pages.comparison import page
        from melanoma.evaluation.pages.files import write_report

        title = f"{old.model_id} against {new.model_id}"
        print(f"  report    {write_report(args.output, 'comparison', report, page(report, title))}")
    return OK


def _summary(report: Mapping[str, Any]) -> str:
    from melanoma.evaluation.formatting import number
    from melanoma.evaluation.metrics.agreement import flipped
    from melanoma.evaluation.pages.comparison import left_out
    from melanoma.labels import name_of

    found, n = report["agreement"], report["agreement"]["n"]
    flips = [
        f"{name_of(old).lower()} to {name_of(new).lower()} {count:,}"
        for old, new, count in flipped(found)[:_MOST_FLIPS]
    ]
    lines = [
        f"{report['old']['model_id']} (old) against {report['new']['model_id']} (new) on {n:,} photographs",
        f"  same class chosen  {found['same_top_label']:,} of {n:,}, Cohen's kappa {number(found['kappa'])}",
        f"  difference         {found['largest_difference']:.3g} at most, {found['mean_difference']:.3g} on average; "
        f"{found['identical']:,} photographs identical, {found['within_1e-5']:,} within 1e-5",
        f"  changes            {', '.join(flips)}" if flips else "",
        *(_judgement(report["judged"]) if report["judged"] else []),
        *(f"  {sentence}" for sentence in left_out(report)),
        f"  {NO_DIAGNOSIS}",
    ]
    return "\n".join(line for line in lines if line)


def _judgement(judged: Mapping[str, Any]) -> list[str]:
    from melanoma.evaluation.formatting import FIGURES, number, signed
    from melanoma.labels import name_of

    figures = {FIGURES[name][0]: row for name, row in judged["figures"].items()}
    recalls = {f"  {name_of(slug).lower()}, n = {row['n']:,}": row for slug, row in judged["by_label"].items()}

    def lines(rows: Mapping[str, Any]) -> list[str]:
        return [
            f"  {name:<34} {number(row['old']):>6} {number(row['new']):>6}  {signed(row['difference'])}"
            for name, row in rows.items()
        ]

    test, verdict = judged["mcnemar"], judged["verdict"]
    return [
        f"  {'':<34} {'old':>6} {'new':>6}  difference (95 % interval)",
        *lines(figures),
        "  sensitivity of each class",
        *lines(recalls),
        f"  right alone        old {test['only_old_right']:,}, new {test['only_new_right']:,}, McNemar's p "
        f"{test['p']:.2g}",
        f"  verdict            {verdict['verdict']}: {'; '.join(verdict['reasons'])}",
    ]
