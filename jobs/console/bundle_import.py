"""`melanoma bundle import`: its flags, and a Keras model from elsewhere as a bundle."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console import logs
from jobs.console.arg_types import share, size
from jobs.console.bundle_check import add_expect_arguments, report_check
from jobs.console.options import Action
from jobs.console.targets import check_folders
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.model.bundle_contents import ModelSettings
    from melanoma.model.expected_answers import ExpectedAnswers
    from melanoma.model.keras_import import Check


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `Import` holds."""
    add = parser.add_argument
    add("model", metavar="MODEL.keras", help="URI or path of the model file, saved by Keras 3")
    add("-o", "--output", required=True, metavar="URI", help="folder of the new bundle")
    add(
        "--labels",
        required=True,
        nargs="+",
        metavar="LABEL",
        help="classes in the order of the network's outputs; for one sigmoid output two classes, of which it is the "
        "probability of the second, or the one that it is the probability of",
    )
    add("--size", required=True, type=size, metavar="HxW", help="height and width of the network's input, pixels")
    _add_preprocessing(parser)
    _add_decision(parser)
    add(
        "--licence",
        default="Terms unknown: ask whoever gave you the model.",
        metavar="TEXT",
        help="terms of the data that the network was trained on (default: unknown)",
    )
    add(
        "--check",
        metavar="IMAGES",
        help="folder of photographs to compare with --expect; if they differ, no bundle is written",
    )
    add_expect_arguments(parser, required=False)


def _add_preprocessing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--crop",
        type=float,
        metavar="SHARE",
        help="crop to the centre before resizing, keeping this share of each side, above 0 to 1 (default: no crop)",
    )
    add("--scale", type=float, default=1.0, metavar="X", help="factor for pixel values 0 to 255 (default: 1)")
    add("--offset", type=float, default=0.0, metavar="X", help="added after --scale (default: 0)")
    channel: dict[str, Any] = {"type": float, "nargs": 3, "metavar": ("R", "G", "B")}
    add("--mean", default=[0.0] * 3, help="subtracted from each channel after --offset (default: 0 0 0)", **channel)
    add("--std", default=[1.0] * 3, help="divides each channel after --mean (default: 1 1 1)", **channel)


def _add_decision(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--prior",
        type=float,
        nargs="+",
        metavar="SHARE",
        help="class shares that the probabilities refer to, in the order of --labels (default: equal shares)",
    )
    add(
        "--rule",
        choices=("balanced", "argmax"),
        default="balanced",
        help="decision rule for top_label: balanced divides by --prior (default: %(default)s)",
    )
    add(
        "--flag-melanoma",
        type=share,
        metavar="P",
        help="set flag_melanoma where the probability of melanoma is at least this (default: no flag)",
    )


@dataclass(frozen=True)
class Import(Action):
    """`bundle import`.

    Attributes:
        model: URI or path of the `.keras` file.
        output: Folder of the new bundle.
        labels: Classes in the order of the network's outputs, or the class of a single output.
        size: Height and width of the network's input, pixels.
        crop: Share of each side that a centre crop keeps, above 0 to 1; None for no crop.
        scale: Factor for pixel values 0 to 255.
        offset: Added after `scale`.
        mean: Subtracted from red, green and blue.
        std: Divides red, green and blue.
        prior: Class shares in the order of `labels`; None for equal shares.
        rule: `balanced` or `argmax`.
        flag_melanoma: Probability of melanoma from which `flag_melanoma` is set; None for no flag.
        licence: Terms of the data that the network was trained on.
        check: Folder of photographs to compare; None to compare nothing.
        expect: Table of their expected probabilities.
        tolerance: Largest difference that passes, 0 to 1.
    """

    model: str
    output: str
    labels: tuple[str, ...]
    size: tuple[int, int]
    crop: float | None
    scale: float
    offset: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    prior: tuple[float, ...] | None
    rule: str
    flag_melanoma: float | None
    licence: str
    check: str | None
    expect: str | None
    tolerance: float

    def run(self) -> None:
        """Checks the network if photographs are given, and writes the bundle.

        Raises:
            MelanomaError: The model cannot become a bundle, or differs from the expected answers.
        """
        if bool(self.check) != bool(self.expect):
            raise UsageError("--check and --expect go together: photographs, and a table of their expected answers")
        check_folders(self.output)
        with logs.native_silence():
            from melanoma.model.keras_import import import_model

        settings, expected = self._settings(), self._expected()
        check = None if expected is None else self._check_of(expected)
        bundle = import_model(self.model, self.output, settings, self.licence, check)
        print(f"{bundle.uri}: {bundle.model_id}, labels {', '.join(bundle.slugs)}")
        if expected is None:
            print(
                "  Before you rely on it, compare its results on a few photographs with those of the model's own "
                "framework: melanoma bundle check --help."
            )

    def _check_of(self, expected: "ExpectedAnswers") -> "Check":
        from melanoma.model.answer_check import check_answers

        return lambda network, settings: report_check(
            check_answers(network, settings, expected, self.tolerance), "; no bundle was written"
        )

    def _labels(self) -> tuple[str, ...]:
        from melanoma.model.keras_import import labels_of_outputs

        words = self.labels[0].split(",") if len(self.labels) == 1 else self.labels
        return labels_of_outputs([word.strip() for word in words if word.strip()] or self.labels)

    def _settings(self) -> "ModelSettings":
        from melanoma.images.decoding import ImageSpec
        from melanoma.labels import slugs_of
        from melanoma.model.bundle_contents import ModelSettings
        from melanoma.model.description import FLAGGED, uniform_prior
        from melanoma.model.preprocessing import Scaling

        labels, prior = self._labels(), self.prior
        if prior and len(prior) == 1 and len(self.labels) == 1:  # the share of the single label
            prior = (1 - prior[0], prior[0])
        if self.flag_melanoma is not None and FLAGGED not in slugs_of(labels):
            raise UsageError(f"--flag-melanoma needs the label melanoma; the labels are {', '.join(labels)}")
        height, width = self.size
        return ModelSettings(
            labels=labels,
            spec=ImageSpec(height, width, self.crop),
            prior=prior or uniform_prior(labels),
            scaling=Scaling(self.scale, self.offset, self.mean, self.std),
            decision_rule=self.rule,
            thresholds={} if self.flag_melanoma is None else {FLAGGED: self.flag_melanoma},
        )

    def _expected(self) -> "ExpectedAnswers | None":
        from melanoma.labels import slugs_of
        from melanoma.model.expected_answers import read_expected

        if not (self.check and self.expect):
            return None
        return read_expected(self.expect, self.check, slugs_of(self._labels()))
