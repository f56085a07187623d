"""The ways in which training can look at a photograph, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from melanoma.training.data import augmentor, views


@dataclass(frozen=True)
class Look:
    """How training looks at a photograph.

    Attributes:
        name: By which it is chosen.
        view: From a file's bytes, a size and a key to uint8 (height, width, 3); one key always gives one view.
        threads: That may call it at once.
        in_words: For the card.
    """

    name: str
    view: Callable[[bytes, tuple[int, int], tuple[int, ...]], npt.NDArray[np.uint8]]
    threads: int
    in_words: str = ""


_VIEWS = (
    "Every epoch shows each photograph anew: another crop, scale, turn, mirror image, light, colour, sharpness and "
    "JPEG compression (`views.py`)."
)
_AUGMENTOR = "Every epoch shows each photograph anew by Augmentor: rotation, flips, zoom, contrast (`augment.py`)."
LOOKS = {
    look.name: look
    for look in (
        Look("augmentor", augmentor.view, 1, _AUGMENTOR),  # its dice are global
        Look("views", views.view, 2, _VIEWS),
    )
}
