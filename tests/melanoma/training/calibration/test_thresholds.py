"""Thresholds do what they were chosen for on the photographs that they were chosen on, and decide the same at night."""

import dataclasses
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput, choose, decide
from melanoma.training.calibration.thresholds import (
    choose_thresholds,
    draw_review,
    melanoma_threshold,
    review_threshold,
)

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")
PRIOR = (0.2, 0.7, 0.1)


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    """What a network that is exactly right says of 400 photographs, two to a lesion."""
    dice = np.random.default_rng(0)
    truth = dice.choice(3, 200, p=PRIOR).repeat(2)
    evidence = dice.normal(0, 1, (400, 3)) + 1.5 * np.eye(3)[truth]
    posterior = np.exp(1.5 * evidence) * PRIOR
    probabilities = (posterior / posterior.sum(axis=1, keepdims=True)).astype(np.float32)
    ood = np.linspace(0, 0.505, 400, dtype=np.float32)
    groups = [f"lesion {index // 2}" for index in range(400)]
    return {
        "scores": ModelOutput(probabilities, ood),
        "truth": truth,
        "groups": groups,
        "prior": PRIOR,
        "rule": "balanced",
    }


@pytest.mark.parametrize(
    ("count", "sensitivity", "missed"),
    [(20, 0.95, 1), (19, 0.95, 0), (100, 0.95, 5), (10, 0.9, 1), (3, 1.0, 0), (1, 0.95, 0), (5, 0.0, 4)],
)
def test_the_flag_has_the_largest_threshold_that_finds_enough(count: int, sensitivity: float, missed: int) -> None:
    probability = np.random.default_rng(count).random(count + 50).astype(np.float32)
    positive = np.arange(count + 50) < count
    found = melanoma_threshold(probability, positive, sensitivity)
    assert (probability[positive] < found).sum() == missed
    higher = np.nextafter(np.float32(found), np.float32(2))
    if sensitivity > 0:
        assert (probability[positive] >= higher).mean() < sensitivity


@pytest.mark.parametrize(("most_sent", "sent"), [(0.0, 0), (0.2, 20), (0.205, 20), (0.57, 57), (0.99, 99)])
def test_at_most_a_share_is_sent_to_a_person(most_sent: float, sent: int) -> None:
    confidence = np.random.default_rng(0).random(100)
    assert (confidence < review_threshold(confidence, most_sent)).sum() == sent
    assert (np.full(100, 0.7) < review_threshold(np.full(100, 0.7), most_sent)).sum() == 0


def test_the_night_decides_as_the_thresholds_were_chosen(cases: dict[str, Any], bundle_uri: str) -> None:
    thresholds, figures = choose_thresholds(SLUGS, **cases)
    bundle = dataclasses.replace(load_bundle(bundle_uri), prior=PRIOR, thresholds=thresholds)
    found = decide(bundle, cases["scores"])
    assert found.flag_melanoma is not None and found.review is not None
    positive = cases["truth"] == 0
    assert figures["melanoma"]["sensitivity"]["value"] >= 0.95
    assert found.flag_melanoma[positive].mean() == pytest.approx(figures["melanoma"]["sensitivity"]["value"])
    assert (~found.flag_melanoma)[~positive].mean() == pytest.approx(figures["melanoma"]["specificity"]["value"])
    reasons = np.array([reason or "" for reason in found.review_reason])
    assert (reasons == "unlike_training").sum() == 400 * figures["ood_above"]["sent"]["value"] == 4
    _, confidence = choose(cases["scores"].probabilities, PRIOR, "balanced")
    assert (confidence < thresholds["review_below"]).sum() == 80 == 400 * figures["review_below"]["sent"]["value"]
    assert 80 <= found.review.sum() <= 84


def test_what_is_kept_is_better_than_all(cases: dict[str, Any]) -> None:
    _, figures = choose_thresholds(SLUGS, **cases)
    review = figures["review_below"]
    for measure in ("accuracy", "balanced_accuracy"):
        assert review["kept"][measure]["value"] > review["all"][measure]["value"] + 0.03
        assert review["all"][measure]["low"] < review["all"][measure]["value"] < review["all"][measure]["high"]
    curve = review["curve"]
    assert [point["sent"] for point in curve] == pytest.approx(np.arange(0, 0.91, 0.05), abs=0.003)
    assert curve[0]["accuracy"] == review["all"]["accuracy"]["value"]
    assert curve[4]["balanced_accuracy"] == pytest.approx(review["kept"]["balanced_accuracy"]["value"])
    assert curve[4]["below"] == review["threshold"] and curve[4]["classes"] == 3
    assert curve[10]["accuracy"] > curve[5]["accuracy"] > curve[0]["accuracy"]


def test_what_cannot_be_chosen_is_left_out(cases: dict[str, Any]) -> None:
    alone = {**cases, "scores": cases["scores"]._replace(ood=None)}
    assert choose_thresholds(SLUGS, **alone)[0].keys() == {"melanoma", "review_below"}
    assert choose_thresholds(("nevus", "scc", "bcc"), **alone)[0].keys() == {"review_below"}
    nobody = {**alone, "truth": np.maximum(cases["truth"], 1)}
    assert choose_thresholds(SLUGS, **nobody)[0].keys() == {"review_below"}


def test_the_curve_is_drawn(cases: dict[str, Any]) -> None:
    _, figures = choose_thresholds(SLUGS, **cases)
    with Image.open(io.BytesIO(draw_review(figures["review_below"]))) as picture:
        assert picture.format == "PNG" and picture.width > picture.height > 300
        assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 20
