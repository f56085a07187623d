"""The chart of class counts: bars as long as the counts."""

import io

import numpy as np
import pytest
from PIL import Image

from melanoma.training.data.class_counts import epoch_counts, plot_counts

BEFORE = {"nevus": 800, "melanoma": 200, "vascular_lesion": 100}
AFTER = {"nevus": 400, "melanoma": 400, "vascular_lesion": 300}
GREY, BLUE = (0x9A, 0xA5, 0xB1), (0x0B, 0x6E, 0x8F)


@pytest.fixture(scope="module")
def chart() -> bytes:
    return plot_counts(BEFORE, AFTER)


def lengths(chart: bytes, colour: tuple[int, int, int]) -> list[int]:
    """Returns the length in pixels of each bar of a colour, from the top."""
    pixels = np.asarray(Image.open(io.BytesIO(chart)).convert("RGB")).astype(int)
    is_bar = (np.abs(pixels - colour).sum(axis=2) < 3)[60:]  # below the legend
    across = is_bar.sum(axis=1)
    middles = [rows[len(rows) // 2] for rows in np.split(np.arange(len(across)), np.flatnonzero(np.diff(across)) + 1)]
    return [int(across[row]) for row in middles if across[row] > 20]


@pytest.mark.parametrize(("counts", "colour"), [(BEFORE, GREY), (AFTER, BLUE)])
def test_bars_are_as_long_as_the_counts(chart: bytes, counts: dict[str, int], colour: tuple[int, int, int]) -> None:
    plotted = lengths(chart, colour)
    assert len(plotted) == 3
    assert np.allclose(np.array(plotted) / plotted[0], np.array(list(counts.values())) / counts["nevus"], atol=0.01)


def test_both_counts_share_one_scale_and_the_most_frequent_class_is_on_top(chart: bytes) -> None:
    before, after = lengths(chart, GREY), lengths(chart, BLUE)
    assert before == sorted(before, reverse=True)
    assert after[0] / before[0] == pytest.approx(0.5, abs=0.01)


def test_the_same_counts_give_the_same_chart(chart: bytes) -> None:
    assert plot_counts(BEFORE, AFTER) == chart
    assert plot_counts(BEFORE, AFTER, "with augmented images") != chart


def test_a_class_that_the_second_count_lacks_keeps_its_place() -> None:
    chart = plot_counts(BEFORE, {"nevus": 400})
    assert len(lengths(chart, GREY)) == 3 and len(lengths(chart, BLUE)) == 1


def test_the_chart_grows_with_the_number_of_classes(chart: bytes) -> None:
    many = {f"class_{index}": 5 + index for index in range(20)}
    heights = [Image.open(io.BytesIO(data)).height for data in (chart, plot_counts(many, many))]
    assert heights[1] - heights[0] == pytest.approx(17 * 0.5 * 110, abs=2)


def test_an_epoch_balances_classes_as_far_as_repeats_allow() -> None:
    before = {"nevus": 90, "melanoma": 30, "vascular_lesion": 3}
    assert epoch_counts(before, balance=1.0) == {"nevus": 41, "melanoma": 41, "vascular_lesion": 18}
    assert epoch_counts(before, balance=1.0, max_repeats=2)["vascular_lesion"] == 6


def test_without_balance_an_epoch_has_the_counts_of_the_data() -> None:
    assert epoch_counts({"nevus": 90, "melanoma": 30}, balance=0.0) == {"nevus": 90, "melanoma": 30}
    assert epoch_counts({"nevus": 100, "melanoma": 25}, balance=0.5) == {"nevus": 83, "melanoma": 42}
