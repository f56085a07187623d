"""`melanoma evaluate`: how good a model is on labelled photographs."""

import argparse
from dataclasses import dataclass

from jobs.console.exit_codes import OK
from jobs.console.external_flags import TRAINING_PHOTOGRAPHS, ExternalOptions, add_external_arguments
from jobs.console.external_parts import external_parts
from jobs.console.label_flags import LabelOptions, add_label_arguments
from jobs.console.renamed_flags import accept_old_names
from jobs.console.targets import check_folders
from melanoma.errors import UsageError
from melanoma.terminal import printable


@dataclass(frozen=True)
class EvaluateOptions(LabelOptions, ExternalOptions):
    """The arguments of the command.

    Attributes:
        table: Folder of the score table.
        model: Id or name of the model to evaluate; None if the table holds only one.
        by: Columns of the labels that define subgroups.
        training_photographs: Folders of the photographs that `trained_on` lists.
    """

    table: str
    model: str | None
    by: tuple[str, ...]
    training_photographs: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("table", metavar="TABLE", help="folder of the score table, as given to score --output")
    add_label_arguments(parser, required=True)
    add_external_arguments(parser)
    parser.add_argument(
        "--training-photographs", action="append", default=[], metavar="FOLDER", help=TRAINING_PHOTOGRAPHS
    )
    parser.add_argument(
        "--by", metavar="COLUMN,…", type=_names, default=[], help="columns of the labels that define subgroups"
    )
    parser.add_argument("--model", metavar="NAME_OR_ID", help="model to evaluate, if the table holds several")
    accept_old_names(parser, {"--model-id": "--model"})


def _names(text: str) -> list[str]:
    """Returns the names of a comma-separated list, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def run(args: argparse.Namespace) -> int:
    """Evaluates, prints the metrics and writes the report.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: The table or the labels cannot be read, or do not fit together.
    """
    options = EvaluateOptions.from_args(args)
    check_folders(options.output)
    from melanoma.evaluation.evaluate import evaluate
    from melanoma.evaluation.inputs.ground_truth import LabelColumns, read_ground_truth
    from melanoma.evaluation.inputs.matching import match
    from melanoma.evaluation.inputs.table_predictions import read_table_predictions
    from melanoma.evaluation.inputs.training_set import read_training_set
    from melanoma.evaluation.summary import evaluation_summary
    from melanoma.runs.model_names import names_of
    from melanoma.table.score_table import ScoreTable

    if not options.labels or "" in (options.id_column, options.label_column):
        raise UsageError("--labels, --id-column and --label-column must not be empty")
    columns = LabelColumns(options.id_column, options.label_column, options.group_column, options.by)
    ground_truth = read_ground_truth(options.labels, columns)
    opened = ScoreTable.in_folder(options.table)
    table = read_table_predictions(opened, options.model, names=names_of(opened.layout))
    matched = match(table, ground_truth, read_training_set(options.trained_on))
    everything = read_training_set(options.trained_on, with_test=True)
    external = external_parts(options, table, everything, options.training_photographs, options.seed)
    report = {**evaluate(matched.predictions, options.seed), "data": matched.accounting, "external": external}
    print(printable(evaluation_summary(report), keep="\n"))
    if options.output:
        from melanoma.evaluation.pages.evaluation import page
        from melanoma.evaluation.pages.files import write_report

        html = page(report, f"Evaluation of {table.model}")
        print(f"  report    {write_report(options.output, 'evaluation', report, html)}")
    return OK
