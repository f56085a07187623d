"""A label and a flag follow from probabilities by the rule that the bundle states, and by no other."""

import dataclasses

import numpy as np
import pytest

from melanoma.model.bundle import Bundle, load_bundle
from melanoma.model.decision import ModelOutput, Rule, choose, decide

PRIOR = (0.1, 0.7, 0.2)


@pytest.fixture
def bundle(bundle_uri: str) -> Bundle:
    return dataclasses.replace(load_bundle(bundle_uri), prior=PRIOR)


def rows(*values: tuple[float, float, float]) -> ModelOutput:
    return ModelOutput(np.array(values, np.float32))


def test_the_balanced_rule_weights_every_class_alike_whatever_its_share(bundle: Bundle) -> None:
    found = decide(bundle, rows((0.3, 0.6, 0.1), (0.05, 0.9, 0.05), (0.1, 0.5, 0.4)))
    assert found.top_index.tolist() == [0, 1, 2]
    assert found.top_probability.tolist() == pytest.approx([0.3, 0.9, 0.4])
    assert found.top_probability.dtype == np.float32


def test_the_argmax_rule_takes_the_likeliest(bundle: Bundle) -> None:
    bundle = dataclasses.replace(bundle, decision_rule="argmax")
    found = decide(bundle, rows((0.3, 0.6, 0.1), (0.05, 0.9, 0.05), (0.1, 0.4, 0.5)))
    assert found.top_index.tolist() == [1, 1, 2]
    assert found.top_probability.tolist() == pytest.approx([0.6, 0.9, 0.5])


def test_both_rules_agree_where_the_classes_are_alike(bundle: Bundle) -> None:
    alike = dataclasses.replace(bundle, prior=(1 / 3, 1 / 3, 1 / 3))
    rng = np.random.default_rng(0)
    scores = ModelOutput(rng.dirichlet((1, 1, 1), 1000).astype(np.float32))
    argmax = dataclasses.replace(alike, decision_rule="argmax")
    np.testing.assert_array_equal(decide(alike, scores).top_index, decide(argmax, scores).top_index)


def test_the_balanced_rule_has_the_best_balanced_accuracy(bundle: Bundle) -> None:
    """On cases drawn from the prior, with exact probabilities."""
    rng = np.random.default_rng(1)
    truth = rng.choice(3, 20_000, p=PRIOR)
    evidence = truth + rng.normal(0, 1, truth.size)
    likelihood = np.exp(-0.5 * (evidence[:, None] - np.arange(3)) ** 2)
    posterior = likelihood * PRIOR
    posterior /= posterior.sum(axis=1, keepdims=True)
    scores = ModelOutput(posterior.astype(np.float32))

    def balanced_accuracy(rule: str) -> float:
        top = decide(dataclasses.replace(bundle, decision_rule=rule), scores).top_index
        return float(np.mean([(top[truth == index] == index).mean() for index in range(3)]))

    assert balanced_accuracy("balanced") > balanced_accuracy("argmax") + 0.1


def test_the_flag_is_set_at_the_threshold_and_above(bundle: Bundle) -> None:
    bundle = dataclasses.replace(bundle, thresholds={"melanoma": 0.3})
    just_below = float(np.nextafter(np.float32(0.3), np.float32(0)))
    found = decide(bundle, rows((0.3, 0.6, 0.1), (just_below, 0.6, 0.1), (0.9, 0.1, 0.0), (0.0, 1.0, 0.0)))
    assert found.flag_melanoma is not None
    assert found.flag_melanoma.tolist() == [True, False, True, False]


def test_without_a_threshold_or_without_melanoma_there_is_no_flag(bundle: Bundle) -> None:
    scores = rows((0.9, 0.1, 0.0))
    assert decide(dataclasses.replace(bundle, thresholds={}), scores).flag_melanoma is None
    others = dataclasses.replace(bundle, slugs=("nevus", "lentigo_nos", "dermatofibroma"), thresholds={"melanoma": 0.3})
    assert decide(others, scores).flag_melanoma is None


def test_a_review_is_needed_below_one_threshold_or_above_the_other(bundle: Bundle) -> None:
    bundle = dataclasses.replace(bundle, thresholds={"review_below": 0.6, "ood_above": 0.5}, decision_rule="argmax")
    probabilities = rows((0.7, 0.2, 0.1), (0.5, 0.4, 0.1), (0.7, 0.2, 0.1), (0.4, 0.3, 0.3), (0.6, 0.2, 0.2))
    found = decide(bundle, probabilities._replace(ood=np.array([0.5, 0.2, 0.51, 0.9, 0.0], np.float32)))
    assert found.review is not None
    assert found.review.tolist() == [False, True, True, True, False]
    assert found.review_reason == [None, "uncertain", "unlike_training", "unlike_training", None]


def test_the_confidence_is_that_of_the_rule(bundle: Bundle) -> None:
    """For a rare class with a share of 0.1, 0.3 is high; for a frequent one, 0.7 says nothing beyond its share."""
    probabilities = rows((0.3, 0.6, 0.1), (0.1, 0.7, 0.2)).probabilities
    _, confidence = choose(probabilities, PRIOR, "balanced")
    assert confidence.tolist() == pytest.approx([3 / (3 + 6 / 7 + 0.5), 1 / 3])
    assert choose(probabilities, PRIOR, "argmax")[1].tolist() == pytest.approx([0.6, 0.7])
    for rule, expected in (("balanced", [False, True]), ("argmax", [False, False])):
        stated = dataclasses.replace(bundle, decision_rule=rule, thresholds={"review_below": 0.5})
        review = decide(stated, ModelOutput(probabilities)).review
        assert review is not None and review.tolist() == expected


def test_each_threshold_works_alone_and_without_both_there_is_no_review(bundle: Bundle) -> None:
    scores = rows((0.4, 0.3, 0.3), (0.9, 0.1, 0.0))._replace(ood=np.array([0.1, 0.9], np.float32))
    bundle = dataclasses.replace(bundle, decision_rule="argmax")
    for thresholds, reasons in (
        ({"review_below": 0.5}, ["uncertain", None]),
        ({"ood_above": 0.5}, [None, "unlike_training"]),
    ):
        found = decide(dataclasses.replace(bundle, thresholds=thresholds), scores)
        assert found.review_reason == reasons
        assert found.review is not None and found.review.tolist() == [reason is not None for reason in reasons]
    decisions = decide(dataclasses.replace(bundle, thresholds={"melanoma": 0.3}), scores)
    assert decisions.review is None and decisions.review_reason == [None, None]


@pytest.mark.filterwarnings("error")
def test_rows_that_are_not_probabilities_and_empty_batches_are_harmless(bundle: Bundle) -> None:
    bundle = dataclasses.replace(bundle, thresholds={"review_below": 0.5, "ood_above": 0.5})
    odd = rows((np.nan, np.nan, np.nan), (0.0, 0.0, 0.0), (np.inf, 0.0, 0.0), (0.2, 0.3, 0.5))
    found = decide(bundle, odd._replace(ood=np.array([np.nan, np.nan, np.inf, 0.9], np.float32)))
    assert found.top_index[3] == 2 and found.review_reason[3] == "unlike_training"
    nothing = decide(bundle, ModelOutput(np.zeros((0, 3), np.float32)))
    assert nothing.top_index.shape == nothing.top_probability.shape == (0,)


@pytest.mark.filterwarnings("error")
def test_a_very_rare_class_neither_overflows_nor_wins_with_a_tiny_probability(bundle: Bundle) -> None:
    bundle = dataclasses.replace(bundle, prior=(1e-6, 0.5, 0.5 - 1e-6))
    found = decide(bundle, rows((0.0, 0.6, 0.4), (1e-3, 0.6, 0.399), (1.0, 0.0, 0.0)))
    assert found.top_index.tolist() == [1, 1, 0]


def test_a_class_rarer_than_one_in_200_is_not_weighted_up() -> None:
    rule = Rule(("melanoma", "nevus", "seborrheic_keratosis"), (0.1, 0.896, 0.004), "balanced", {})
    found = decide(rule, ModelOutput(np.array([[0.1, 0.8, 0.1], [0.01, 0.94, 0.05], [0.0, 0.1, 0.9]], np.float32)))
    assert found.top_index.tolist() == [0, 1, 2]
    enough = dataclasses.replace(rule, prior=(0.1, 0.895, 0.005))
    assert decide(enough, ModelOutput(np.array([[0.1, 0.8, 0.1]], np.float32))).top_index.tolist() == [2]
