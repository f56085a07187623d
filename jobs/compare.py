"""`melanoma compare`: two models, runs or runners on the same photographs."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from jobs.console.exit_codes import OK
from jobs.console.label_flags import LabelOptions, add_label_arguments
from jobs.console.targets import check_folders
from melanoma.errors import UsageError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.evaluation.inputs.ground_truth import GroundTruth
    from melanoma.evaluation.inputs.table_predictions import TablePredictions


@dataclass(frozen=True)
class CompareOptions(LabelOptions):
    """The arguments of the command.

    Attributes:
        old: Score table of the first side.
        new: Score table of the second side; None for that of the first.
        old_model: Model of the first side; None if its table holds only one.
        new_model: Model of the second side; None if its table holds only one.
        old_run: The only run of the first side to read; None for all.
        new_run: The only run of the second side to read; None for all.
    """

    old: str
    new: str | None
    old_model: str | None
    new_model: str | None
    old_run: str | None
    new_run: str | None


class _Side(NamedTuple):
    """One side of the comparison: the rows of a model, of all runs or of one."""

    table: str
    model_id: str
    run_id: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("old", metavar="OLD", help="score table with the old predictions")
    parser.add_argument("new", metavar="NEW", nargs="?", help="score table with the new predictions (default: OLD)")
    parser.add_argument("--old-model", metavar="NAME_OR_ID", help="model of OLD, if it holds several")
    parser.add_argument("--new-model", metavar="NAME_OR_ID", help="model of NEW, if it holds several")
    parser.add_argument("--old-run", metavar="RUN_ID", help="use only the rows of OLD that this run committed")
    parser.add_argument("--new-run", metavar="RUN_ID", help="use only the rows of NEW that this run committed")
    add_label_arguments(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Compares, prints the differences and writes the report.

    Returns:
        Exit code 0.

    Raises:
        MelanomaError: A table or the labels cannot be read, or they do not fit together.
    """
    options = CompareOptions.from_args(args)
    check_folders(options.output)
    from melanoma.evaluation.compare import compare
    from melanoma.evaluation.inputs.pairing import pair_predictions
    from melanoma.evaluation.inputs.training_set import read_training_set
    from melanoma.evaluation.summary import comparison_summary

    ground_truth = _read_labels(options)
    old, new = _read_sides(options)
    pair = pair_predictions(old, new)
    report = compare(pair, ground_truth, read_training_set(options.trained_on), options.seed)
    print(printable(comparison_summary(report), keep="\n"))
    if options.output:
        from melanoma.evaluation.pages.comparison import page
        from melanoma.evaluation.pages.files import write_report

        html = page(report, f"{old.model} against {new.model}")
        print(f"  report    {write_report(options.output, 'comparison', report, html)}")
    return OK


def _read_labels(options: CompareOptions) -> "GroundTruth | None":
    from melanoma.evaluation.inputs.ground_truth import LabelColumns, read_ground_truth

    if not options.labels:
        return None
    if "" in (options.id_column, options.label_column):
        raise UsageError("--id-column and --label-column must not be empty")
    columns = LabelColumns(options.id_column, options.label_column, options.group_column)
    return read_ground_truth(options.labels, columns)


def _read_sides(options: CompareOptions) -> "tuple[TablePredictions, TablePredictions]":
    from melanoma.evaluation.inputs.table_predictions import read_table_predictions
    from melanoma.runs.model_names import names_of
    from melanoma.table.score_table import ScoreTable

    def read(uri: str, model: str | None, option: str, run_id: str | None) -> "TablePredictions":
        table = ScoreTable.in_folder(uri)
        return read_table_predictions(table, model, option, run_id, names_of(table.layout))

    new_table = options.new or options.old
    old = read(options.old, options.old_model, "--old-model", options.old_run)
    new = read(new_table, options.new_model, "--new-model", options.new_run)
    if _Side(options.old, old.model_id, options.old_run) == _Side(new_table, new.model_id, options.new_run):
        raise UsageError(
            f"{options.old}: both sides are {old.model} of the same table; name two models, runs or tables"
        )
    return old, new
