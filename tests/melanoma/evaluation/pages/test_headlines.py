"""The cards of an evaluation: one for each main metric that the report has."""

from collections.abc import Sequence

import numpy as np
import pytest

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.pages.headlines import cards
from melanoma.evaluation.report import Report
from tests.helpers.html_reader import HtmlReader
from tests.helpers.predictions import predictions_of, random_predictions


@pytest.fixture(scope="module")
def report() -> Report:
    flags = random_predictions(200).probabilities[:, 0] > 0.4
    return evaluate(random_predictions(200, flagged=flags, review=~flags), seed=0)


def texts(cards: Sequence[str]) -> dict[str, str]:
    """Returns the text of each card behind its name."""
    names = (
        *("Balanced accuracy", "Accuracy", "Melanoma sensitivity", "Melanoma AUC", "Flagged melanomas", "Macro AUC"),
        *("Calibration error", "Brier score", "Referred to a person"),
    )
    found = [HtmlReader(card).text for card in cards]
    return {name: text.removeprefix(name) for text in found for name in names if text.startswith(name)}


def test_every_metric_has_a_card_with_its_value(report: Report) -> None:
    found = texts(cards(report))
    melanoma = report["by_label"]["melanoma"]
    values = {
        "Balanced accuracy": report["balanced_accuracy"],
        "Accuracy": report["accuracy"],
        "Melanoma sensitivity": melanoma["sensitivity"],
        "Melanoma AUC": melanoma["auc"],
        "Flagged melanomas": report["flag_melanoma"]["sensitivity"],
        "Macro AUC": report["macro_auc"],
        "Calibration error": report["calibration"]["error"],
        "Brier score": report["brier"],
        "Referred to a person": report["review"]["share"],
    }
    assert list(found) == list(values)
    for name, value in values.items():
        assert found[name].startswith(f"{value['value']:.3f}95 %: {value['low']:.3f} to {value['high']:.3f}"), name


def test_accuracies_are_compared_with_always_choosing_one_class(report: Report) -> None:
    found = texts(cards(report))
    for name, key in (("Balanced accuracy", "balanced_accuracy"), ("Accuracy", "accuracy")):
        assert f"Tick: always choosing melanocytic nevus, {report['baseline'][key]['value']:.3f}." in found[name]


def test_a_model_without_flag_and_referral_has_no_card_for_them() -> None:
    assert not {"Flagged melanomas", "Referred to a person"} & set(texts(cards(evaluate(random_predictions(60), 0))))


def test_without_melanomas_there_is_no_card_about_them() -> None:
    predictions = predictions_of([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]] * 10, [1, 2] * 10)
    assert not [name for name in texts(cards(evaluate(predictions, 0))) if "elanoma" in name]


def test_without_photographs_the_cards_show_dashes() -> None:
    report = evaluate(random_predictions(9).where(np.zeros(9, np.bool_)), seed=0)
    found = texts(cards(report))
    assert list(found) == ["Balanced accuracy", "Accuracy", "Macro AUC", "Brier score"]
    assert all(text.startswith("–not enough photographs") for text in found.values())
