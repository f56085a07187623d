"""The parts of a data set together with their pixels, decoded only once."""

import numpy as np
import numpy.typing as npt

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import Dataset, Part
from melanoma.images.decoding import ImageSpec


class DecodedParts:
    """The parts of a data set; the pixels of a part are decoded when they are first needed, and kept.

    Attributes:
        dataset: Cleaned and split photographs.
        spec: How photographs are decoded.
    """

    def __init__(self, dataset: Dataset, spec: ImageSpec) -> None:
        """Stores the data set; decodes nothing yet."""
        self.dataset, self.spec = dataset, spec
        self._pixels: dict[str, npt.NDArray[np.uint8]] = {}

    def part(self, name: str) -> Part:
        """Returns the photographs, truth and groups of a part."""
        return self.dataset.part(name)

    def pixels(self, name: str) -> npt.NDArray[np.uint8]:
        """Returns the pixels of a part, shape (photographs, height, width, 3)."""
        if name not in self._pixels:
            self._pixels[name] = load_pixels(self.part(name).photographs, self.spec)
        return self._pixels[name]
