"""`melanoma bundle import`: its flags, and a model from elsewhere as a bundle."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.console import logs
from jobs.console.arg_types import share, size
from jobs.console.bundle_check import add_expect_arguments, report_check
from jobs.console.options import Action
from jobs.console.targets import check_folders
from melanoma.errors import UsageError

if TYPE_CHECKING:
    from melanoma.model.bundle import Bundle
    from melanoma.model.bundle_contents import ModelSettings
    from melanoma.model.expected_answers import ExpectedAnswers


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that `Import` holds."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="URI or path of the model file: .keras of Keras 3, or .onnx")
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
    _add_onnx(parser)
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


def _add_onnx(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--outputs",
        choices=("softmax", "sigmoid", "logits"),
        default="softmax",
        help="what an ONNX file returns: probabilities, the probability of one class, or numbers before either "
        "(default: %(default)s)",
    )
    add(
        "--channels",
        choices=("rgb", "bgr"),
        default="rgb",
        help="order in which an ONNX file takes the colours; --mean and --std stay in the order R G B (default: "
        "%(default)s)",
    )


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
        model: URI or path of the `.keras` or `.onnx` file.
        output: Folder of the new bundle.
        labels: Classes in the order of the network's outputs, or the class of a single output.
        size: Height and width of the network's input, pixels.
        crop: Share of each side that a centre crop keeps, above 0 to 1; None for no crop.
        scale: Factor for pixel values 0 to 255.
        offset: Added after `scale`.
        mean: Subtracted from red, green and blue.
        std: Divides red, green and blue.
        outputs: What an ONNX file returns: `softmax`, `sigmoid` or `logits`.
        channels: Order in which an ONNX file takes the colours: `rgb` or `bgr`.
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
    outputs: str
    channels: str
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
        from melanoma.model.model_file import is_onnx, read_model

        settings, expected = self._settings(), self._expected()
        data = read_model(self.model)
        write = self._import_onnx if is_onnx(data) else self._import_keras
        bundle = write(data, settings, expected)
        print(f"{bundle.uri}: {bundle.model_id}, labels {', '.join(bundle.slugs)}")
        if expected is None:
            print(
                "  Before you rely on it, compare its results on a few photographs with those of the model's own "
                "framework: melanoma bundle check --help."
            )

    def _import_keras(self, data: bytes, settings: "ModelSettings", expected: "ExpectedAnswers | None") -> "Bundle":
        if (self.outputs, self.channels) != ("softmax", "rgb"):
            raise UsageError("--outputs and --channels are for ONNX files; a Keras network states its last activation")
        with logs.native_silence():
            from melanoma.model.keras_import import import_model

        check = None if expected is None else self._check_of(expected)
        bundle = import_model(self.model, self.output, settings, self.licence, check, data)
        if bundle.portable is None:
            print("  It has no model.onnx, and TensorFlow scores it; melanoma bundle convert says why.")
        return bundle

    def _import_onnx(self, data: bytes, settings: "ModelSettings", expected: "ExpectedAnswers | None") -> "Bundle":
        from melanoma.model.onnx_import import import_onnx
        from melanoma.model.portable.foreign import OnnxNetwork, photographs_at_once

        network = OnnxNetwork(data, self.size, self.outputs, self.channels)
        check = None if expected is None else self._check_of(expected)
        bundle = import_onnx(network, self.model, self.output, settings, self.licence, check)
        if (batch := photographs_at_once(data)) > 1:
            print(
                f"  It takes {batch} photographs at once, so each costs as much as {batch}. Export it again with one "
                "photograph, and import that."
            )
        return bundle

    def _check_of(self, expected: "ExpectedAnswers") -> "Callable[[Any, ModelSettings], object]":
        with logs.native_silence():
            from melanoma.model.answer_check import check_answers

        return lambda network, settings: report_check(
            check_answers(network, settings, expected, self.tolerance), "; no bundle was written"
        )

    def _labels(self) -> tuple[str, ...]:
        from melanoma.model.bundle_contents import labels_of_outputs

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
