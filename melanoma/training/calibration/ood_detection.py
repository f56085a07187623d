"""Measures how often the out-of-distribution (OOD) score detects OOD images and corruptions, and its false alarms."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy.stats import binomtest

from melanoma.errors import UsageError
from melanoma.evaluation.metrics.bootstrap import COVERAGE, Estimate
from melanoma.images.pixels import Pixels
from melanoma.model.engine import score_all
from melanoma.model.engine_interface import Engine
from melanoma.training.calibration import ood_images

COUNT = 60  # OOD images of each kind
LIMITS = (
    "The out-of-distribution images are far from any lesion: plain, generated, drawn or printed images, and parts of "
    "three photographs of other scenes, which count for less than their number suggests. Other skin diseases, other "
    "cameras and other patients than those of the training set are closer, and these figures do not show that they "
    "are detected. A photograph that is not detected may still differ from everything the network was trained on."
)


def measure_detection(
    engine: Engine,
    size: tuple[int, int],
    threshold: float,
    seed: int = 0,
    in_distribution: Pixels | None = None,
    count: int = COUNT,
) -> dict[str, Any]:
    """Measures how often `ood_score` is above its threshold.

    Args:
        engine: Engine of a network with an `ood_score`.
        size: Height and width that it takes, pixels.
        threshold: The bundle's `ood_above`.
        seed: Seed for the OOD images.
        in_distribution: uint8 (photographs, height, width, 3), at least one: photographs of the test part, because the
            threshold was chosen on the validation part. None leaves out the figures that need them.
        count: OOD images of each kind.

    Returns:
        JSON values: `threshold`; `strangers`, the detection rate by kind of OOD image; and with photographs, `spoilt`,
        the detection rate by corruption, and `false_alarms`, the rate without one. Each rate is value, low, high, n
        with Wilson's 95 % interval.

    Raises:
        UsageError: The network has no `ood_score`.
    """

    def rate(pixels: Pixels) -> dict[str, float | int]:
        ood = score_all(engine, pixels).ood
        if ood is None:
            raise UsageError("the network has no ood_score; add one with ood_score.add_ood_output")
        return wilson(int((ood > threshold).sum()), len(ood))._asdict()

    rates = {
        "threshold": threshold,
        "strangers": {kind: rate(ood_images.generate(kind, count, size, seed)) for kind in ood_images.KINDS},
    }
    if in_distribution is None:
        return rates
    corrupted = {name: rate(corrupt(in_distribution)) for name, corrupt in CORRUPTIONS.items()}
    return {**rates, "spoilt": corrupted, "false_alarms": rate(in_distribution)}


def to_markdown(rates: Mapping[str, Any]) -> str:
    """Returns the result of `measure_detection` as a Markdown table for the model card, followed by its limits."""
    lines = ["| images | detected | 95 % interval | n |", "|---|---:|---:|---:|"]
    rows = {**rates["strangers"], **rates.get("spoilt", {})}
    if "false_alarms" in rates:
        rows["test photographs: false alarms"] = rates["false_alarms"]
    for name, figure in rows.items():
        interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
        lines.append(f"| {name} | {figure['value']:.3f} | {interval} | {figure['n']} |")
    return "\n".join([*lines, "", LIMITS])


def wilson(hits: int, n: int) -> Estimate:
    """Returns a share with Wilson's 95 % interval, which also has a width for a share of 0 or 1.

    Wilson: "Probable Inference, the Law of Succession, and Statistical Inference", J. Am. Statist. Assoc. 22, 1927.

    Args:
        hits: 0 to n.
        n: At least 1.
    """
    interval = binomtest(hits, n).proportion_ci(COVERAGE, method="wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high), n)


def _swap_channels(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[..., ::-1])


def _negate(pixels: Pixels) -> Pixels:
    return 255 - pixels


def _darken(pixels: Pixels) -> Pixels:
    return np.asarray(pixels * 0.15, np.uint8)


def _to_grey(pixels: Pixels) -> Pixels:
    return np.asarray(pixels.mean(axis=3, keepdims=True), np.uint8).repeat(3, axis=3)


def _blur(pixels: Pixels) -> Pixels:
    blur = ImageFilter.GaussianBlur(pixels.shape[1] / 20)
    return np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in pixels])


# The names appear in bundle.json.
CORRUPTIONS: dict[str, Callable[[Pixels], npt.NDArray[np.uint8]]] = {
    "red and blue swapped": _swap_channels,
    "negative": _negate,
    "much too dark": _darken,
    "grey": _to_grey,
    "much blurred": _blur,
}
