"""The review curve: which photographs are referred at each rate, and how accurate the rest is."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, recall_score

from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.training.calibration.review_curve import plot_review_curve, review_curve, review_threshold


@pytest.fixture(scope="module")
def confidence() -> np.ndarray:
    return np.random.default_rng(1).random(200)


@pytest.fixture(scope="module")
def predictions(confidence: np.ndarray) -> Predictions:
    """Three classes with 100, 95 and 5 photographs; the more confident, the more often right."""
    truth = np.array([0] * 100 + [1] * 95 + [2] * 5)
    is_right = np.random.default_rng(2).random(200) < 0.4 + 0.6 * confidence
    top = np.where(is_right, truth, (truth + 1) % 3)
    names = np.array([f"lesion {index}" for index in range(200)])
    return Predictions(("a", "b", "c"), truth, np.full((200, 3), 1 / 3, np.float32), top, names)


@pytest.mark.parametrize(("rate", "referred"), [(0.0, 0), (0.2, 20), (0.205, 20), (0.29, 29), (0.57, 57), (0.99, 99)])
def test_at_most_the_permitted_share_is_referred(rate: float, referred: int) -> None:
    confidence = np.random.default_rng(0).random(100)
    assert (confidence < review_threshold(confidence, rate)).sum() == referred


def test_no_photograph_is_referred_if_all_have_the_same_confidence() -> None:
    confidence = np.full(100, 0.7)
    assert (confidence < review_threshold(confidence, 0.2)).sum() == 0


def test_the_points_are_twentieths_from_none_to_nine_tenths(predictions: Predictions, confidence: np.ndarray) -> None:
    curve = review_curve(predictions, confidence)
    assert [point["sent"] for point in curve] == pytest.approx(np.arange(0, 0.91, 0.05))
    assert [point["below"] for point in curve] == pytest.approx(np.sort(confidence)[np.arange(0, 190, 10)])


def test_figures_of_a_point_are_those_of_the_photographs_kept(predictions: Predictions, confidence: np.ndarray) -> None:
    curve = review_curve(predictions, confidence)
    for point in (curve[0], curve[7], curve[18]):
        kept = confidence >= point["below"]
        truth, top = predictions.truth[kept], predictions.top[kept]
        assert point["accuracy"] == pytest.approx(accuracy_score(truth, top))
        # The class with 5 photographs is too small to be evaluated.
        assert point["balanced_accuracy"] == pytest.approx(recall_score(truth, top, labels=[0, 1], average="macro"))
        assert point["classes"] == 2
    assert curve[18]["accuracy"] > curve[0]["accuracy"] + 0.1


def test_a_class_that_is_referred_entirely_no_longer_counts(predictions: Predictions) -> None:
    """The photographs of the first class are the least confident ones."""
    curve = review_curve(predictions, np.arange(200) / 200)
    assert [point["classes"] for point in curve] == [2] * 10 + [1] * 9
    second = predictions.truth == 1
    assert curve[10]["balanced_accuracy"] == pytest.approx((predictions.top == predictions.truth)[second].mean())


def test_points_without_an_evaluated_class_are_left_out(predictions: Predictions) -> None:
    """From a referral rate of 0.85 on, all but the five photographs of the small class may be gone."""
    order = np.argsort(predictions.truth, kind="stable")
    few = predictions.where(np.isin(np.arange(200), order[-20:]))  # 15 of the second class, 5 of the third
    curve = review_curve(few, np.arange(20) / 20)
    assert [point["classes"] for point in curve] == [1] * len(curve)
    assert curve[-1]["sent"] == pytest.approx(0.7)
    assert review_curve(few.where(few.truth == 2), np.arange(5) / 5) == []


def test_the_plot_shows_both_curves_and_the_chosen_point(predictions: Predictions, confidence: np.ndarray) -> None:
    figures = {
        "curve": review_curve(predictions, confidence),
        "sent": {"value": 0.2, "n": 200},
        "threshold": review_threshold(confidence, 0.2),
    }
    with Image.open(io.BytesIO(plot_review_curve(figures))) as image:
        assert image.format == "PNG" and image.width > image.height > 300
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
    assert {(0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E), (0x66, 0x66, 0x66)} <= colours  # two curves, one dashed line
    moved = plot_review_curve({**figures, "sent": {"value": 0.4, "n": 200}})
    assert moved != plot_review_curve(figures)
