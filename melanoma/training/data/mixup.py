"""Batches in which photographs are blended with each other, labels included (mixup)."""

import numpy as np
import numpy.typing as npt

from melanoma.training.data.views import blend

_CONCENTRATION = 0.4  # of the Beta distribution: most blends keep near to one of their two photographs
_STREAM = 7  # keeps these dice apart from those of the views


def blended(
    pixels: npt.NDArray[np.uint8], targets: npt.NDArray[np.float32], share: float, key: tuple[int, ...]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Blends some batches with themselves in another order, and leaves the others as they are.

    Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond Empirical Risk Minimization, ICLR 2018.

    Args:
        pixels: uint8 (photographs, height, width, 3).
        targets: float32 (photographs, labels), each row of sum 1.
        share: Of batches that are blended, 0 to 1.
        key: Of the dice; the same key gives the same blend.

    Returns:
        Pixels and targets, of the shapes, types and sums of those given.
    """
    dice = np.random.default_rng((*key, _STREAM))
    if dice.random() >= share:
        return pixels, targets
    weight = np.float32(dice.beta(_CONCENTRATION, _CONCENTRATION))
    order = dice.permutation(len(pixels))
    return blend(pixels, pixels[order], float(weight)), weight * targets + (1 - weight) * targets[order]
