"""Flags that name a label file, the same for every command that evaluates predictions."""

import argparse
from dataclasses import dataclass
from functools import partial

from jobs.console.arg_types import whole
from jobs.console.options import Options


@dataclass(frozen=True)
class LabelOptions(Options):
    """Where the labels are, what the models were trained on, and where the report goes.

    Attributes:
        labels: CSV or Parquet file with one row per photograph; None for no labels.
        id_column: Its column with the photograph's id; None for that of a known collection.
        label_column: Its column with the class; None likewise.
        group_column: Its column with the lesion or patient; None if it has none.
        trained_on: Lists of the photographs that the models were trained on.
        output: Folder of the report; None to write no report.
        seed: Seed of the bootstrap, 0 or more.
    """

    labels: str | None
    id_column: str | None
    label_column: str | None
    group_column: str | None
    trained_on: tuple[str, ...]
    output: str | None
    seed: int


def add_label_arguments(parser: argparse.ArgumentParser, required: bool) -> None:
    """Declares the flags that `LabelOptions` holds.

    Args:
        parser: Of the command.
        required: Whether the command needs labels.
    """
    parser.add_argument(
        "--labels",
        required=required,
        metavar="FILE",
        help="CSV or Parquet file with one labelled photograph per row, or folder with one subfolder per class",
    )
    parser.add_argument(
        "--id-column",
        metavar="COLUMN",
        help="column of the labels: the image_id of the score table (default: by the columns of known collections)",
    )
    parser.add_argument("--label-column", metavar="COLUMN", help="column of the labels: the class (default: likewise)")
    parser.add_argument(
        "--group-column",
        metavar="COLUMN",
        help="column of the labels: the lesion or patient, whose photographs are resampled together",
    )
    parser.add_argument(
        "--trained-on",
        action="append",
        default=[],
        metavar="FILE",
        help="list of training photographs, such as a bundle's split.csv; they and others of their lesions are left "
        "out; repeatable",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", help="folder for the report, as JSON and as an HTML page")
    seed = partial(whole, least=0)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="bootstrap seed (default: %(default)s)")
