"""`melanoma bundle check`, and the same check before `melanoma bundle import` writes anything."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.console import logs
from jobs.console.arg_types import share
from jobs.console.options import Action
from melanoma.errors import BundleError
from melanoma.terminal import printable

if TYPE_CHECKING:
    from melanoma.model.answer_check import AnswerCheck

# Another decoder of the same JPEG moved a probability of a shipped network by up to 0.013 (docs/models/import.md).
_TOLERANCE = 0.02


def add_expect_arguments(parser: argparse.ArgumentParser, required: bool) -> None:
    """Declares `--expect` and `--tolerance`."""
    parser.add_argument(
        "--expect",
        required=required,
        metavar="TABLE",
        help="CSV or Parquet with the answers of the model's own framework: a column file (or image_id) and one "
        "probability for each class, named by its label",
    )
    parser.add_argument(
        "--tolerance",
        type=share,
        default=_TOLERANCE,
        metavar="X",
        help="largest difference of a probability that passes (default: %(default)s)",
    )


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `Check` holds."""
    parser.add_argument("uri", metavar="URI", help="folder or name of the bundle")
    parser.add_argument("--images", required=True, metavar="FOLDER", help="photographs that the answers are about")
    add_expect_arguments(parser, required=True)


@dataclass(frozen=True)
class Check(Action):
    """`bundle check`.

    Attributes:
        uri: Folder or name of the bundle.
        images: Folder of photographs, or a glob.
        expect: Table of the expected probabilities.
        tolerance: Largest difference that passes, 0 to 1.
    """

    uri: str
    images: str
    expect: str
    tolerance: float

    def run(self) -> None:
        """Compares the probabilities of the bundle with the expected ones, and prints the differences.

        Raises:
            BundleError: They differ, or the bundle is damaged.
            MelanomaError: Photographs or expected answers cannot be used.
        """
        from melanoma.model.bundle import load_bundle
        from melanoma.model.expected_answers import read_expected

        bundle = load_bundle(self.uri)
        expected = read_expected(self.expect, self.images, bundle.slugs)
        with logs.native_silence():
            from melanoma.model.answer_check import check_bundle
        print(f"{bundle.uri}: {bundle.model_id}")
        report_check(check_bundle(bundle, expected, self.tolerance))


def report_check(check: "AnswerCheck", consequence: str = "") -> None:
    """Prints how far a network's probabilities are from the expected ones.

    Args:
        check: The comparison.
        consequence: End of the error message, such as `; no bundle was written`.

    Raises:
        BundleError: A probability differs by more than the tolerance.
    """
    from melanoma.model.answer_check import check_lines

    for line in check_lines(check):
        print(printable(line))
    if check.failed:
        raise BundleError(f"{check.refusal()}{consequence}")
