"""Whether a network notices what it does not know: measured on strange pictures, spoilt and familiar photographs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy.special import ndtri

from melanoma.errors import UsageError
from melanoma.evaluation.metrics.bootstrap import COVERAGE, Estimate
from melanoma.images.pixels import Pixels
from melanoma.model.engine import Engine, score_all
from melanoma.training.calibration import ood_images

COUNT = 60  # pictures of each strange kind
LIMITS = (
    "The strange pictures are far from any lesion: blank, drawn, printed, or scenes, which are parts of three "
    "photographs of other things and tell less than their number says. Other "
    "diseases of the skin, other cameras and other people than those of the training set are nearer, and nothing here "
    "says that they are noticed. A photograph that is not noticed may still be unlike all that the network knows."
)


def detection(
    engine: Engine, threshold: float, seed: int = 0, familiar: Pixels | None = None, count: int = COUNT
) -> dict[str, Any]:
    """Counts how often `ood_score` lies above its threshold.

    Args:
        engine: Of a network with an `ood_score`.
        threshold: The bundle's `ood_above`.
        seed: Of the strange pictures.
        familiar: uint8 (photographs, height, width, 3), at least one, like the training photographs but none of them,
            and none on which the threshold was chosen: those of the test part. None leaves out what they tell.
        count: Strange pictures of each kind.

    Returns:
        JSON values: `threshold`; `strangers` by kind; and with familiar photographs `spoilt`, by accident, what becomes
        of them after it, and `false_alarms`, of them as they are. Each a share with Wilson's 95 % interval (J. Am.
        Statist. Assoc. 22, 1927): value, low, high, n.

    Raises:
        UsageError: The network gives no `ood_score`.
    """

    def rate(pixels: Pixels) -> dict[str, float | int]:
        ood = score_all(engine, pixels).ood
        if ood is None:
            raise UsageError("the network gives no ood_score; add one by familiarity.with_familiarity")
        return wilson(int((ood > threshold).sum()), len(ood))._asdict()

    found = {
        "threshold": threshold,
        "strangers": {kind: rate(ood_images.draw(kind, count, engine.size, seed)) for kind in ood_images.KINDS},
    }
    if familiar is None:
        return found
    spoilt = {accident: rate(spoil(familiar)) for accident, spoil in ACCIDENTS.items()}
    return {**found, "spoilt": spoilt, "false_alarms": rate(familiar)}


def section(found: Mapping[str, Any]) -> str:
    """Writes what `detection` found as Markdown for a card, with its limits."""
    lines = ["| pictures | noticed | 95 % interval | n |", "|---|---:|---:|---:|"]
    rows = {**found["strangers"], **found.get("spoilt", {})}
    if "false_alarms" in found:
        rows["familiar photographs: false alarms"] = found["false_alarms"]
    for name, figure in rows.items():
        interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
        lines.append(f"| {name} | {figure['value']:.3f} | {interval} | {figure['n']} |")
    return "\n".join([*lines, "", LIMITS])


def wilson(hits: int, n: int) -> Estimate:
    """Gives a share with Wilson's 95 % interval, which is sound for a share of none or all too."""
    z = float(ndtri((1 + COVERAGE) / 2))
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + (z / (2 * n)) ** 2) ** 0.5
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), n)


def _swapped(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[..., ::-1])


def _negative(pixels: Pixels) -> Pixels:
    return 255 - pixels


def _dark(pixels: Pixels) -> Pixels:
    return np.asarray(pixels * 0.15, np.uint8)


def _grey(pixels: Pixels) -> Pixels:
    return np.asarray(pixels.mean(axis=3, keepdims=True), np.uint8).repeat(3, axis=3)


def _blurred(pixels: Pixels) -> Pixels:
    blur = ImageFilter.GaussianBlur(pixels.shape[1] / 20)
    return np.stack([np.asarray(Image.fromarray(picture).filter(blur)) for picture in pixels])


ACCIDENTS: dict[str, Callable[[Pixels], npt.NDArray[np.uint8]]] = {
    "red and blue swapped": _swapped,
    "negative": _negative,
    "much too dark": _dark,
    "grey": _grey,
    "much blurred": _blurred,
}
