"""The picture of class counts: bars as long as the counts, and the same picture again."""

import io

import numpy as np
import pytest
from PIL import Image

from melanoma.training.data.class_counts import epoch_counts, plot_counts

BEFORE = {"nevus": 800, "melanoma": 200, "vascular_lesion": 100}
AFTER = {"nevus": 400, "melanoma": 400, "vascular_lesion": 300}


def lengths(picture: bytes, colour: tuple[int, int, int]) -> list[int]:
    """Pixels across each bar of a colour, from the top down."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    is_bar = (np.abs(pixels - colour).sum(axis=2) < 3)[60:]  # the legend lies above
    across = is_bar.sum(axis=1)
    middles = [rows[len(rows) // 2] for rows in np.split(np.arange(len(across)), np.flatnonzero(np.diff(across)) + 1)]
    return [int(across[row]) for row in middles if across[row] > 20]


@pytest.mark.parametrize(("counts", "colour"), [(BEFORE, (0x9A, 0xA5, 0xB1)), (AFTER, (0x0B, 0x6E, 0x8F))])
def test_bars_are_as_long_as_the_counts(counts: dict[str, int], colour: tuple[int, int, int]) -> None:
    drawn = lengths(plot_counts(BEFORE, AFTER), colour)
    assert len(drawn) == 3
    assert np.allclose(np.array(drawn) / drawn[0], np.array(list(counts.values())) / counts["nevus"], atol=0.01)


def test_the_same_counts_are_the_same_picture() -> None:
    assert plot_counts(BEFORE, AFTER) == plot_counts(BEFORE, AFTER)
    assert plot_counts(BEFORE, AFTER) != plot_counts(BEFORE, AFTER, "files")


def test_every_class_has_its_place_even_one_that_is_never_drawn() -> None:
    many = {f"class_{index}": 5 + index for index in range(30)}
    few = Image.open(io.BytesIO(plot_counts(BEFORE, {"nevus": 3})))
    assert Image.open(io.BytesIO(plot_counts(many, many))).height > 3 * few.height


def test_an_epoch_draws_classes_alike_as_far_as_repeats_allow() -> None:
    assert epoch_counts({"nevus": 90, "melanoma": 30, "vascular_lesion": 3}, balance=1.0) == {
        "nevus": 41,
        "melanoma": 41,
        "vascular_lesion": 18,
    }
    assert epoch_counts({"nevus": 90, "melanoma": 30}, balance=0.0) == {"nevus": 90, "melanoma": 30}
