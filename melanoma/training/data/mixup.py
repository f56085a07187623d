"""Mixup: blends photographs of a batch with each other, and their targets in step.

Zhang, Cisse, Dauphin, Lopez-Paz: "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
"""

import numpy as np
import numpy.typing as npt

from melanoma.training.data.views import blend

_ALPHA = 0.4  # of the Beta distribution: most blends stay close to one of their two photographs
_STREAM = 7  # separates these random numbers from those of the augmentation policies


def mixup(
    pixels: npt.NDArray[np.uint8], targets: npt.NDArray[np.float32], rate: float, key: tuple[int, ...]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Blends a batch with itself in another order, or returns it unchanged.

    Args:
        pixels: uint8 (photographs, height, width, 3).
        targets: float32 (photographs, classes), rows sum to 1.
        rate: Probability that the batch is blended, 0 to 1.
        key: Random key, integers >= 0; the same key gives the same result.

    Returns:
        Pixels and targets of the same shapes and types; rows of the targets still sum to 1.
    """
    rng = np.random.default_rng((*key, _STREAM))
    if rng.random() >= rate:
        return pixels, targets
    weight = np.float32(rng.beta(_ALPHA, _ALPHA))
    order = rng.permutation(len(pixels))
    return blend(pixels, pixels[order], float(weight)), weight * targets + (1 - weight) * targets[order]
