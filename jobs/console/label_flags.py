"""Flags that name labels, the same for every command that compares with them."""

import argparse
import functools

from jobs.console.arg_types import whole


def add_label_arguments(parser: argparse.ArgumentParser, required: bool) -> None:
    """Declares how labels are read and where reports go, as evaluate and compare share it."""
    parser.add_argument("--labels", required=required, metavar="FILE", help="CSV or Parquet, a row for each photograph")
    parser.add_argument("--id-column", required=required, metavar="COLUMN", help="of the labels: as image_id is spelt")
    parser.add_argument("--label-column", required=required, metavar="COLUMN", help="of the labels: the class")
    parser.add_argument("--group-column", metavar="COLUMN", help="of the labels: lesion or patient, kept together")
    parser.add_argument(
        "--trained-on",
        action="append",
        default=[],
        metavar="FILE",
        help="leave out what this lists, and its lesions: split.csv of a bundle; may be repeated",
    )
    parser.add_argument("--output", metavar="FOLDER", help="where the report goes, as JSON and as a page")
    seed = functools.partial(whole, least=0)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the resampling (default: 0)")
