"""`melanoma evaluate`: how good a model is, by labels."""

import argparse
from collections.abc import Mapping
from typing import Any

from jobs.console.exit_codes import OK
from jobs.console.label_flags import add_label_arguments
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.terminal import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    add_label_arguments(parser, required=True)
    parser.add_argument("--by", metavar="COLUMN,…", default="", help="columns of the labels that make subgroups")
    parser.add_argument("--model-id", metavar="M", help="whose rows, where the table holds several models")


def run(args: argparse.Namespace) -> int:
    """Judges, prints the figures and writes the report."""
    from melanoma.evaluation.evaluate import evaluate
    from melanoma.evaluation.inputs.ground_truth import Columns, read_truths
    from melanoma.evaluation.inputs.matching import match
    from melanoma.evaluation.inputs.table_predictions import read_answers
    from melanoma.evaluation.inputs.training_set import read_trained
    from melanoma.table.score_table import ScoreTable

    by = tuple(dict.fromkeys(name.strip() for name in args.by.split(",") if name.strip()))
    truths = read_truths(args.labels, Columns(args.id_column, args.label_column, args.group_column, by))
    answers = read_answers(ScoreTable.in_folder(args.table), args.model_id)
    predictions, data = match(answers, truths, read_trained(args.trained_on))
    report = {**evaluate(predictions, args.seed), "data": data}
    print(printable(_summary(report), keep="\n"))
    if args.output:
        from melanoma.evaluation.pages.evaluation import page
        from melanoma.evaluation.pages.files import write_report

        title = f"Evaluation of {data['model_id']}"
        print(f"  report    {write_report(args.output, 'evaluation', report, page(report, title))}")
    return OK


def _summary(report: Mapping[str, Any]) -> str:
    from melanoma.evaluation.formatting import accounts, number, with_interval
    from melanoma.labels import name_of

    baseline, perfect = report["baseline"], report["calibration"]["perfect"]
    always = f"always {name_of(baseline['label']).lower()}: "
    asides = {
        "balanced_accuracy": always + number(baseline["balanced_accuracy"]),
        "accuracy": always + number(baseline["accuracy"]),
        "macro_auc": "guessing: 0.500",
    }
    figures = {
        **{key.replace("_", " ").replace("auc", "AUC"): (report[key], aside) for key, aside in asides.items()},
        "calibration error": (report["calibration"]["error"], f"perfect: {perfect['mean']:.3f}"),
        "Brier score": (report["brier"], "best: 0"),
    }
    return "\n".join(
        [
            f"{report['data']['model_id']}: {report['n']:,} photographs of {report['groups']:,} lesions or patients",
            *(f"  {name:<18} {with_interval(figure):<24} {aside}" for name, (figure, aside) in figures.items()),
            f"  {'class':<28} {'n':>7}  {'sensitivity':<24} AUC",
            *(
                f"  {name_of(slug):<28} {figure['n']:>7,}  {with_interval(figure['sensitivity']):<24} "
                f"{with_interval(figure['auc'])}"
                for slug, figure in report["by_label"].items()
            ),
            *(f"  {sentence}" for sentence in accounts(report["data"])),
            f"  {NO_DIAGNOSIS}",
        ]
    )
