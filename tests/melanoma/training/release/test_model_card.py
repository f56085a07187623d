"""The card says what a bundle was made from, how good it is and what it must not be used for."""

from dataclasses import replace
from typing import Any

import pytest

from melanoma.training.release.candidate import ReleaseCandidate
from melanoma.training.release.decision_text import _sources, views_sentence
from melanoma.training.release.markdown_tables import inline
from melanoma.training.release.model_card import CardFacts, write_card
from melanoma.training.release.shipping import CardText, card_facts
from melanoma.training.release.training_job import TrainingJob

TEXT = CardText("colours", "Coloured squares.", "CC0\nNo rights reserved.", "melanoma train --data in", ["Own limit."])


@pytest.fixture(scope="module")
def facts(job: TrainingJob, candidate: ReleaseCandidate) -> CardFacts:
    return card_facts(job, TEXT, candidate)


@pytest.fixture(scope="module")
def card(facts: CardFacts, candidate: ReleaseCandidate) -> str:
    return write_card(facts, candidate)


def test_the_card_begins_with_name_network_and_intended_use(card: str) -> None:
    lines = card.splitlines()
    assert lines[0] == "# colours"
    assert lines[2] == (
        "A convolutional network trained from scratch on photographs of 32x32 pixels. It returns a probability for "
        "each of 3 classes of skin lesion."
    )
    assert "**It does not diagnose anybody**" in card and "not a medical device" in card


def test_the_card_states_data_terms_and_command(card: str) -> None:
    assert "Coloured squares.\n\nTerms of the data" in card and "`LICENSE`: CC0\n" in card
    assert "```\nmelanoma train --data in\n```" in card


def test_photographs_are_counted_by_class_and_part(card: str) -> None:
    assert "| found | 0 | 180 |" in card
    assert "| Melanoma | 36 | 12 | 12 | 0.333 | 0.333 |" in card
    assert "| Melanocytic nevus | 54 | 18 | 18 | 0.333 | 0.500 |" in card
    assert "| all | 108 | 36 | 36 | 1 | 1 |" in card


def test_thresholds_are_shown_with_their_results(card: str, candidate: ReleaseCandidate) -> None:
    choices, report = candidate.model.choices, candidate.assessment.report
    flag, on_test = choices["melanoma"], report["flag_melanoma"]
    assert f"at least {flag['threshold']:.4f}, the threshold that finds 95 % of the melanomas" in card
    assert f"On the test part: sensitivity {inline(on_test['sensitivity'])}, specificity" in card
    assert f"is below {choices['review_below']['threshold']:.3f}: {inline(choices['review_below']['sent'])}" in card
    assert f"temperature {candidate.model.temperature:.2f}" in card


def test_limits_list_classes_not_evaluated_then_the_given_limits(card: str) -> None:
    limits = card[card.index("## Known limits") : card.index("## How it was trained")]
    listed = [line for line in limits.splitlines() if line.startswith("- ")]
    assert "6 test photographs are too few to evaluate it; do not rely on this output." in listed[0]
    assert listed[-1] == "- Own limit."
    assert "dark skin" in limits and "Daneshjou" in limits
    assert len(listed) == 5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"backends": ["tensorflow"]}, "Trained by Keras with tensorflow."),
        ({"backends": ["jax"]}, "Trained by Keras with jax (set `KERAS_BACKEND=jax` before the command)."),
        ({"backends": ["tensorflow", "jax"]}, "Trained by Keras with tensorflow and then jax."),
        ({"origin": "m-0123"}, "All layers but the last started with the weights of m-0123."),
        ({"teachers": ["EfficientNet-Lite2"]}, "Distilled from 1 network (EfficientNet-Lite2), trained before it"),
        ({"teachers": ["A", "B"]}, "Distilled from 2 networks (A, B), trained before it"),
    ],
)
def test_the_card_says_how_the_network_was_trained(
    facts: CardFacts, candidate: ReleaseCandidate, changes: dict[str, Any], sentence: str
) -> None:
    assert sentence in write_card(replace(facts, **changes), candidate)


def test_without_teachers_or_warm_start_the_card_mentions_neither(card: str) -> None:
    assert "Distilled" not in card and "started with the weights" not in card


def test_a_model_without_flag_and_ood_score_does_not_describe_them(
    facts: CardFacts, candidate: ReleaseCandidate
) -> None:
    choices = {name: value for name, value in candidate.model.choices.items() if name != "melanoma"}
    without = candidate._replace(
        model=replace(candidate.model, choices=choices),
        assessment=replace(candidate.assessment, ood_detection=None),
    )
    card = write_card(facts, without)
    assert "`flag_melanoma` is set" not in card and "`unlike_training`" not in card
    assert "`unlike_training`" in write_card(facts, candidate)


def test_a_flag_that_the_test_part_cannot_evaluate_says_so(facts: CardFacts, candidate: ReleaseCandidate) -> None:
    report = {**candidate.assessment.report, "flag_melanoma": None}
    without = candidate._replace(assessment=replace(candidate.assessment, report=report))
    assert "On the test part: not evaluated." in write_card(facts, without)


def test_sources_of_the_validation_part_have_a_table() -> None:
    estimate = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 20}
    one = {"n": 60, "sensitivity": estimate, "specificity": estimate, "sent": estimate, "calibration_error": None}
    text = "\n\n".join(_sources({"north": one}, 0.9, 0.9))
    assert "the worst source decides" in text
    assert "| north | 60 | 0.900 (0.800 to 1.000, n = 20) |" in text and text.endswith("| not evaluated |")
    assert list(_sources({}, 0.9, 0.2)) == []


def test_sources_at_which_an_aim_is_missed_are_named() -> None:
    estimate = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 5}
    one = {"n": 9, "sensitivity": estimate, "specificity": estimate, "sent": estimate, "calibration_error": None}
    *_, flag, review = _sources({"north": one, "south": {"n": 60}}, 0.95, 0.2)
    assert "less than 95% of the melanomas of north" in flag and "More than 20% of north" in review


def test_views_are_stated_where_there_are_several() -> None:
    assert list(views_sentence(1)) == []
    assert "8 views of each photograph" in next(views_sentence(8))
