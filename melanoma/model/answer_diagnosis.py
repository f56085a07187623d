"""Why a network's answers differ from those of its own framework: tries the usual mistakes one after another."""

import itertools
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from melanoma.images.decoding import ImageSpec
from melanoma.images.pixels import Pixels
from melanoma.model.bundle_contents import ModelSettings
from melanoma.model.engine import EngineMaker
from melanoma.model.engine_interface import Engine
from melanoma.model.other_resizes import RESIZES, Resize, resized
from melanoma.model.preprocessing import Scaling

_PHOTOGRAPHS = 8  # those that differ most; enough to tell the causes apart
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SCALINGS = {
    "pixels 0 to 255, without --scale, --offset, --mean and --std": Scaling(),
    "pixels from 0 to 1: --scale 0.00392156862745098": Scaling(1 / 255),
    "pixels from -1 to 1: --scale 0.00784313725490196 --offset -1": Scaling(1 / 127.5, -1.0),
    "ImageNet's mean and deviation, as PyTorch has them: --scale 0.00392156862745098 --mean 0.485 0.456 0.406 "
    "--std 0.229 0.224 0.225": Scaling(1 / 255, 0.0, *_IMAGENET),
    "ImageNet's mean alone: --mean 123.68 116.779 103.939": Scaling(1.0, 0.0, (123.68, 116.779, 103.939)),
    "pixels as EfficientNet-Lite has them: --mean 127 127 127 --std 128 128 128": Scaling(
        1.0, 0.0, (127.0,) * 3, (128.0,) * 3
    ),
}
_BLUE_FIRST = (
    "channels in the order blue, green, red (BGR, as OpenCV reads them): for an ONNX file --channels bgr, for a Keras "
    "network reverse the input channels of the first convolution's weights and save it again"
)
_CROPS = {None: "the whole photograph: without --crop", 1.0: "--crop 1", 0.875: "--crop 0.875"}
Answers = npt.NDArray[np.float64]


class Cause(NamedTuple):
    """A change of the settings, and how close it comes.

    Attributes:
        changes: What to change, as text; all of them together.
        largest: The largest difference that is left.
    """

    changes: tuple[str, ...]
    largest: float


@dataclass(frozen=True)
class Diagnosis:
    """What would make the answers equal.

    Attributes:
        before: The largest difference without any change, of the photographs that were tried.
        tolerance: Largest difference that counts as equal.
        causes: Those with which the answers are equal, else the one that comes closest; empty if nothing helps much.
    """

    before: float
    tolerance: float
    causes: Sequence[Cause]

    def lines(self) -> Iterator[str]:
        """Yields the diagnosis as text."""
        if not self.causes:
            yield (
                "none of the usual causes explains it (label order, pixel scale, channel order, crop, resize); check "
                "that network, photographs and answers belong together"
            )
        for cause in self.causes:
            verb = "would match with" if cause.largest <= self.tolerance else "would come closer with"
            yield f"{verb} {'; and with '.join(cause.changes)} (largest difference {cause.largest:.4f})"


class _Variant(NamedTuple):
    """One way to prepare photographs: scaling, channel order, crop and resize, and what it changes."""

    scaling: Scaling
    blue_first: bool
    crop: float | None
    resize: Resize
    changes: tuple[str, ...]


def diagnose(
    make: EngineMaker,
    settings: ModelSettings,
    files: Sequence[bytes],
    expected: Answers,
    sizes: Answers,
    tolerance: float,
) -> Diagnosis:
    """Scores the photographs that differ most with other settings, and returns those that explain the difference.

    Args:
        make: Makes engines of the network.
        settings: The settings that do not match.
        files: Bytes of the photographs.
        expected: Probabilities (n, labels).
        sizes: Absolute differences (n, labels) with the given settings.
        tolerance: Largest difference that counts as equal.
    """
    worst = np.argsort(-np.nan_to_num(sizes, nan=np.inf).max(axis=1), kind="stable")[:_PHOTOGRAPHS]
    trial = _Trial(make, settings, [files[index] for index in worst], expected[worst])
    given = _Variant(settings.scaling, False, settings.spec.crop, RESIZES[0], ())
    before = trial.cause(given).largest
    colours = [cause for variant in _colour_variants(given) for cause in trial.causes(variant)]
    best = min(colours, key=lambda found: found.cause.largest)
    causes = [found.cause for found in colours]
    if best.cause.largest > tolerance:
        shapes = [cause for variant in _shape_variants(best.variant) for cause in trial.causes(variant)]
        causes += [found.cause for found in shapes]
    return Diagnosis(before, tolerance, _choose(causes, before, tolerance))


def _choose(causes: Sequence[Cause], before: float, tolerance: float) -> list[Cause]:
    """Returns the causes with the fewest changes among those that match, else the closest if it is much closer."""
    changed = [cause for cause in causes if cause.changes]
    if matching := [cause for cause in changed if cause.largest <= tolerance]:
        fewest = min(len(cause.changes) for cause in matching)
        simple = [cause for cause in matching if len(cause.changes) == fewest]
        return sorted(dict.fromkeys(simple), key=lambda cause: cause.largest)[:3]
    closest = min(changed, key=lambda cause: cause.largest)
    return [closest] if not closest.largest > before / 2 else []


def _colour_variants(given: _Variant) -> Iterator[_Variant]:
    scalings = {"": given.scaling, **{text: one for text, one in _SCALINGS.items() if not _same(one, given.scaling)}}
    for (text, scaling), blue_first in itertools.product(scalings.items(), (False, True)):
        changes = tuple(filter(None, [text, _BLUE_FIRST if blue_first else ""]))
        yield given._replace(scaling=scaling, blue_first=blue_first, changes=changes)


def _same(first: Scaling, second: Scaling) -> bool:
    """Returns whether two scalings turn 0 and 255 into the same numbers."""

    def ends(scaling: Scaling) -> list[npt.NDArray[np.float64]]:
        return [(x * scaling.scale + scaling.offset - np.array(scaling.mean)) / np.array(scaling.std) for x in (0, 255)]

    return bool(np.allclose(ends(first), ends(second), rtol=1e-4, atol=1e-4))


def _shape_variants(given: _Variant) -> Iterator[_Variant]:
    crops = {given.crop: "", **{crop: text for crop, text in _CROPS.items() if crop != given.crop}}
    for (crop, text), resize in itertools.product(crops.items(), RESIZES):
        changes = tuple(filter(None, [*given.changes, text, resize.remedy]))
        yield given._replace(crop=crop, resize=resize, changes=changes)


class _Found(NamedTuple):
    """A variant and how close it comes."""

    variant: _Variant
    cause: Cause


@dataclass
class _Trial:
    """Photographs that are scored with other settings; an engine is built for each scaling once."""

    make: EngineMaker
    settings: ModelSettings
    files: Sequence[bytes]
    expected: Answers

    def __post_init__(self) -> None:
        self._engines: dict[Scaling, Engine] = {}
        self._pixels: dict[tuple[float | None, str], Pixels] = {}

    def cause(self, variant: _Variant) -> Cause:
        """Returns how close a variant comes with the labels as they are."""
        return Cause(variant.changes, _largest(self.expected, self._score(variant)))

    def causes(self, variant: _Variant) -> Iterator[_Found]:
        """Yields how close a variant comes, with the labels as they are and in the order that fits best."""
        got = self._score(variant)
        yield _Found(variant, Cause(variant.changes, _largest(self.expected, got)))
        order = _best_order(self.expected, got)
        if order != list(range(len(order))):
            changes = (_labels_text(self.settings.labels, order), *variant.changes)
            yield _Found(variant._replace(changes=changes), Cause(changes, _largest(self.expected, got[:, order])))

    def _score(self, variant: _Variant) -> Answers:
        if variant.scaling not in self._engines:
            settings = replace(self.settings, scaling=variant.scaling)
            self._engines[variant.scaling] = self.make(settings, len(self.files))
        key = variant.crop, variant.resize.name
        if key not in self._pixels:
            spec: ImageSpec = replace(self.settings.spec, crop=variant.crop)
            self._pixels[key] = np.stack([resized(data, spec, variant.resize) for data in self.files])
        pixels = self._pixels[key]
        ordered = np.ascontiguousarray(pixels[..., ::-1]) if variant.blue_first else pixels
        return self._engines[variant.scaling].score(ordered).probabilities.astype(np.float64)


def _largest(expected: Answers, got: Answers) -> float:
    return float(np.nan_to_num(np.abs(expected - got), nan=np.inf).max())


def _best_order(expected: Answers, got: Answers) -> list[int]:
    """Returns for each label the output that fits its expected probabilities best (Kuhn 1955)."""
    costs = np.abs(expected[:, :, None] - got[:, None, :])
    return [int(output) for output in linear_sum_assignment(np.nan_to_num(costs, nan=2.0).mean(axis=0))[1]]


def _labels_text(labels: Sequence[str], order: Sequence[int]) -> str:
    by_output = [labels[order.index(output)] for output in range(len(order))]
    return f"labels in another order: --labels {shlex.join(by_output)}"
