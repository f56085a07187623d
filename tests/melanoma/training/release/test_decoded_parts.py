"""Pixels of the parts of a data set, decoded once."""

from pathlib import Path

import numpy as np
import pytest

from melanoma.images.decoding import ImageSpec
from melanoma.training.release.decoded_parts import DecodedParts
from tests.helpers import coloured


def test_pixels_follow_the_order_of_the_part_and_are_decoded_once(tmp_path: Path) -> None:
    parts = DecodedParts(coloured.dataset(tmp_path, {"melanoma": 5, "nevus": 10}), ImageSpec(16, 8))
    pixels, part = parts.pixels("train"), parts.part("train")
    assert pixels.shape == (len(part.photographs), 16, 8, 3) and pixels.dtype == np.uint8
    for label, photographs in enumerate(parts.dataset.labels):
        red = coloured.COLOURS[photographs][0]
        assert pixels[part.truth == label][..., 0].mean() == pytest.approx(red, abs=10)
    for photograph in part.photographs:
        Path(photograph.uri).unlink()
    assert parts.pixels("train") is pixels


def test_each_part_has_its_own_pixels(tmp_path: Path) -> None:
    parts = DecodedParts(coloured.dataset(tmp_path, {"melanoma": 5, "nevus": 10}), ImageSpec(8, 8))
    assert [len(parts.pixels(name)) for name in ("train", "validation", "test")] == [9, 3, 3]
