"""The augmentation policies that training can use, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from melanoma.training.data import augmentor, views


@dataclass(frozen=True)
class AugmentationPolicy:
    """A way to change training photographs at random.

    Attributes:
        name: Value of `--augmentation`.
        apply: From a complete image file, (height, width) and a random key to uint8 (height, width, 3); the same key
            gives the same pixels.
        threads: Number of threads that can usefully call it at the same time.
        description: Sentence for the model card.
    """

    name: str
    apply: Callable[[bytes, tuple[int, int], tuple[int, ...]], npt.NDArray[np.uint8]]
    threads: int
    description: str = ""


_AUGMENTOR = AugmentationPolicy(
    "augmentor",
    augmentor.augmented_view,
    1,  # its random generators are global, so that threads would wait for each other
    "In every epoch, Augmentor changes each photograph anew: rotation, flips, zoom and contrast (`augmentor.py`).",
)
_VIEWS = AugmentationPolicy(
    "views",
    views.random_view,
    2,
    "In every epoch, each photograph is changed anew: crop, scale, rotation, mirroring, brightness, colour, sharpness "
    "and JPEG compression (`views.py`).",
)
_HOSPITALS = AugmentationPolicy(
    "hospitals",
    views.view_across_hospitals,
    2,
    "In every epoch, each photograph is changed anew as by `views`, but more: aspect ratio, colour and loss of detail "
    "vary further, and dark circular borders and coloured stickers are drawn on some (`views.py`, `overlays.py`).",
)
POLICIES = {policy.name: policy for policy in (_AUGMENTOR, _VIEWS, _HOSPITALS)}
