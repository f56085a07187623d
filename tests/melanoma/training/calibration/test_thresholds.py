"""Thresholds reach their aims on the photographs they were chosen on, and a bundle with them decides the same way."""

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import balanced_accuracy_score

from melanoma.model.bundle import load_bundle
from melanoma.model.decision import ModelOutput, choose, decide
from melanoma.training.calibration.ood_score import OOD_THRESHOLD
from melanoma.training.calibration.thresholds import (
    ChosenThresholds,
    ThresholdConfig,
    choose_thresholds,
    melanoma_threshold,
)

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")
PRIOR = (0.2, 0.7, 0.1)
CONFIG = ThresholdConfig(PRIOR, "balanced")


class Cases(NamedTuple):
    scores: ModelOutput
    truth: npt.NDArray[np.int64]
    groups: list[str]


@pytest.fixture(scope="module")
def cases() -> Cases:
    """Exact posterior probabilities for 400 photographs, two per lesion; four of them are out of distribution."""
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 200, p=PRIOR).repeat(2)
    evidence = rng.normal(0, 1, (400, 3)) + 1.5 * np.eye(3)[truth]
    posterior = np.exp(1.5 * evidence) * PRIOR
    probabilities = (posterior / posterior.sum(axis=1, keepdims=True)).astype(np.float32)
    ood = np.linspace(0, 0.505, 400, dtype=np.float32)
    return Cases(ModelOutput(probabilities, ood), truth, [f"lesion {index // 2}" for index in range(400)])


@pytest.fixture(scope="module")
def chosen(cases: Cases) -> ChosenThresholds:
    return choose_thresholds(SLUGS, *cases, CONFIG)


@pytest.mark.parametrize(
    ("count", "sensitivity", "missed"),
    [(20, 0.95, 1), (19, 0.95, 0), (100, 0.95, 5), (10, 0.9, 1), (3, 1.0, 0), (1, 0.95, 0), (5, 0.0, 4)],
)
def test_the_melanoma_threshold_is_the_largest_that_finds_enough(count: int, sensitivity: float, missed: int) -> None:
    probability = np.random.default_rng(count).random(count + 50).astype(np.float32)
    positive = np.arange(count + 50) < count
    threshold = melanoma_threshold(probability, positive, sensitivity)
    assert (probability[positive] < threshold).sum() == missed
    higher = np.nextafter(np.float32(threshold), np.float32(2))
    if sensitivity > 0:
        assert (probability[positive] >= higher).mean() < sensitivity


def test_the_melanoma_threshold_ignores_other_classes() -> None:
    probability, positive = np.array([0.2, 0.9, 0.4, 0.8]), np.array([True, False, True, False])
    assert melanoma_threshold(probability, positive, 1.0) == 0.2
    assert melanoma_threshold(probability, positive, 0.5) == 0.4


def test_a_bundle_with_the_thresholds_decides_as_they_were_chosen(
    cases: Cases, chosen: ChosenThresholds, bundle_uri: str
) -> None:
    thresholds, figures = chosen
    bundle = dataclasses.replace(load_bundle(bundle_uri), prior=PRIOR, thresholds=thresholds)
    decision = decide(bundle, cases.scores)
    assert decision.flag_melanoma is not None and decision.review is not None
    positive = cases.truth == 0
    assert figures["melanoma"]["sensitivity"]["value"] >= 0.95
    assert decision.flag_melanoma[positive].mean() == pytest.approx(figures["melanoma"]["sensitivity"]["value"])
    assert (~decision.flag_melanoma)[~positive].mean() == pytest.approx(figures["melanoma"]["specificity"]["value"])
    reasons = np.array([reason or "" for reason in decision.review_reason])
    assert (reasons == "unlike_training").sum() == 400 * figures["ood_above"]["sent"]["value"] == 4
    _, confidence = choose(cases.scores.probabilities, PRIOR, "balanced")
    assert (confidence < thresholds["review_below"]).sum() == 80 == 400 * figures["review_below"]["sent"]["value"]
    assert 80 <= decision.review.sum() <= 84


def test_figures_of_the_review_threshold_are_those_of_scikit_learn(cases: Cases, chosen: ChosenThresholds) -> None:
    review = chosen.figures["review_below"]
    top, confidence = choose(cases.scores.probabilities, PRIOR, "balanced")
    kept = confidence >= chosen.thresholds["review_below"]
    for name, part in (("all", np.ones(400, bool)), ("kept", kept)):
        truth, predicted = cases.truth[part], top[part]
        assert review[name]["accuracy"]["value"] == pytest.approx((truth == predicted).mean())
        assert review[name]["accuracy"]["n"] == part.sum()
        assert review[name]["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(truth, predicted))
    for measure in ("accuracy", "balanced_accuracy"):
        assert review["kept"][measure]["value"] > review["all"][measure]["value"] + 0.03
        assert review["all"][measure]["low"] < review["all"][measure]["value"] < review["all"][measure]["high"]


def test_the_curve_agrees_with_the_chosen_point(chosen: ChosenThresholds) -> None:
    review = chosen.figures["review_below"]
    curve = review["curve"]
    assert curve[0]["accuracy"] == review["all"]["accuracy"]["value"]
    assert curve[4]["below"] == review["threshold"] == chosen.thresholds["review_below"]
    assert curve[4]["balanced_accuracy"] == pytest.approx(review["kept"]["balanced_accuracy"]["value"])


def test_the_config_decides_aims_and_intervals(cases: Cases, chosen: ChosenThresholds) -> None:
    config = dataclasses.replace(CONFIG, sensitivity=0.5, max_referral_rate=0.0, seed=1)
    thresholds, figures = choose_thresholds(SLUGS, *cases, config)
    assert thresholds["melanoma"] > chosen.thresholds["melanoma"]
    assert figures["melanoma"]["aim"] == 0.5 and figures["melanoma"]["sensitivity"]["value"] >= 0.5
    assert figures["review_below"]["most_sent"] == figures["review_below"]["sent"]["value"] == 0.0
    before, after = (each["review_below"]["all"]["accuracy"] for each in (chosen.figures, figures))
    assert before["value"] == after["value"]
    assert (before["low"], before["high"]) != (after["low"], after["high"])  # another bootstrap seed
    assert choose_thresholds(SLUGS, *cases, CONFIG) == chosen


def test_thresholds_that_the_photographs_cannot_support_are_left_out(cases: Cases) -> None:
    without_ood = cases._replace(scores=cases.scores._replace(ood=None))
    assert choose_thresholds(SLUGS, *without_ood, CONFIG).thresholds.keys() == {"melanoma", "review_below"}
    without_melanoma = choose_thresholds(("nevus", "scc", "bcc"), *without_ood, CONFIG)
    assert without_melanoma.thresholds.keys() == without_melanoma.figures.keys() == {"review_below"}
    no_case = without_ood._replace(truth=np.maximum(cases.truth, 1))
    assert choose_thresholds(SLUGS, *no_case, CONFIG).thresholds.keys() == {"review_below"}


def test_the_ood_threshold_is_the_one_that_the_score_is_built_for(chosen: ChosenThresholds) -> None:
    assert chosen.thresholds["ood_above"] == chosen.figures["ood_above"]["threshold"] == OOD_THRESHOLD == 0.5


def test_the_worst_source_decides_and_every_source_is_shown(cases: Cases, chosen: ChosenThresholds) -> None:
    """At `north`, melanomas and confidence are lower than elsewhere."""
    probabilities = cases.scores.probabilities.copy()
    north = np.arange(400) >= 300
    probabilities[north, 0] *= 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    scores, sources = ModelOutput(probabilities), np.where(north, "north", "south").tolist()
    alone = choose_thresholds(SLUGS, scores, cases.truth, cases.groups, CONFIG)
    found = choose_thresholds(SLUGS, scores, cases.truth, cases.groups, CONFIG, sources)
    melanoma = cases.truth == 0
    for of in (north, ~north):
        flagged = probabilities[of & melanoma, 0] >= found.thresholds["melanoma"]
        assert flagged.mean() >= CONFIG.sensitivity
        _, confidence = choose(probabilities[of], PRIOR, "balanced")
        assert (confidence < found.thresholds["review_below"]).mean() <= CONFIG.max_referral_rate
    assert found.thresholds["melanoma"] < alone.thresholds["melanoma"]
    assert (probabilities[north & melanoma, 0] >= alone.thresholds["melanoma"]).mean() < CONFIG.sensitivity
    figures = found.figures["sources"]
    assert {name: one["n"] for name, one in figures.items()} == {"north": 100, "south": 300}
    caught = (probabilities[north & melanoma, 0] >= found.thresholds["melanoma"]).mean()
    assert figures["north"]["sensitivity"]["value"] == pytest.approx(caught)
    assert "sources" not in chosen.figures


def test_a_source_with_few_melanomas_has_no_say(cases: Cases, chosen: ChosenThresholds) -> None:
    few = np.flatnonzero(cases.truth == 0)[:9]
    probabilities = cases.scores.probabilities.copy()
    sources = ["few" if index in few else "many" for index in range(400)]
    found = choose_thresholds(SLUGS, ModelOutput(probabilities), cases.truth, cases.groups, CONFIG, sources)
    many = (cases.truth == 0) & (np.array(sources) == "many")
    expected = min(melanoma_threshold(probabilities[:, 0], of, 0.95) for of in (cases.truth == 0, many))
    assert found.thresholds["melanoma"] == expected
