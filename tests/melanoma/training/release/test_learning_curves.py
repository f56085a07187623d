"""The plot of a training's epochs."""

import io

import numpy as np
import pytest
from PIL import Image

from melanoma.training.release.learning_curves import draw_curves, size_changes


def history(*sizes: int) -> list[dict[str, float]]:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return [{"size": size, **dict.fromkeys(names, 1 / (1 + epoch))} for epoch, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "changes"),
    [((), []), ((64,), []), ((64, 64, 96, 96, 128), [2.5, 4.5]), ((64, 96), [1.5]), ((96, 64, 96), [1.5, 2.5])],
)
def test_a_line_marks_each_change_of_the_image_size(sizes: tuple[int, ...], changes: list[float]) -> None:
    assert size_changes(history(*sizes)) == changes


def pixels(*sizes: int) -> np.ndarray:
    with Image.open(io.BytesIO(draw_curves(history(*sizes)))) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_the_plot_shows_both_curves_and_the_changes_of_size() -> None:
    plain, early, late = pixels(64, 64, 64), pixels(64, 96, 96), pixels(64, 64, 96)
    assert plain.shape == early.shape == late.shape and plain.shape[1] > 500
    right = plain.shape[1] // 2  # the plot without a legend
    lines = [np.flatnonzero((plain != grown)[:, right:].any(axis=(0, 2))) for grown in (early, late)]
    assert all(0 < len(columns) < 30 for columns in lines)  # one thin line
    assert lines[1].mean() - lines[0].mean() > 100  # an epoch to the right
    colours = {tuple(colour) for colour in plain.reshape(-1, 3)}
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # the first two colours of Matplotlib


def test_a_single_epoch_can_be_plotted() -> None:
    assert pixels(64).std() > 0
