"""The headline figures of an evaluation as cards: value, interval, what it is compared with and what it means."""

from collections.abc import Mapping
from typing import Any

from melanoma.evaluation.formatting import interval, number, with_interval
from melanoma.evaluation.inputs.predictions import MELANOMA
from melanoma.evaluation.pages import svg
from melanoma.evaluation.pages.parts import card
from melanoma.labels import name_of

Report = Mapping[str, Any]


def cards(report: Report) -> list[str]:
    """Gives the cards of a report, HTML each."""
    baseline = report["baseline"]
    always = f"Always naming {name_of(baseline['label']).lower()}"
    shown = [
        _card(
            "Balanced accuracy",
            report["balanced_accuracy"],
            f"Mean sensitivity of the evaluated classes by the decision rule. {always}: "
            f"{number(baseline['balanced_accuracy'])}, the tick.",
            baseline["balanced_accuracy"],
        ),
        _card(
            "Accuracy",
            report["accuracy"],
            f"Share of photographs whose class was chosen; it favours frequent classes. {always}: "
            f"{number(baseline['accuracy'])}, the tick.",
            baseline["accuracy"],
        ),
        *_melanoma_cards(report),
        _card(
            "Mean AUC",
            report["macro_auc"],
            "Mean over the evaluated classes of the chance that a photograph of the class scores above another one. "
            "0.5 is guessing, the tick.",
            {"value": 0.5},
        ),
        _calibration_card(report["calibration"]),
        _brier_card(report),
        *_review_cards(report),
    ]
    return [one for one in shown if one]


def _card(name: str, estimate: Report | None, text: str, reference: Report | None = None) -> str:
    picture = svg.interval(estimate, reference["value"] if reference else None)
    return card(name, number(estimate), picture, interval(estimate), text)


def _melanoma_cards(report: Report) -> list[str]:
    figures = report["by_label"].get(MELANOMA)
    if not figures or not figures["n"]:
        return []
    flag = report["flag_melanoma"]
    named = f"Of {figures['n']:,} melanomas, the share that the decision rule names. Specificity "
    cards = [
        _card("Melanoma sensitivity", figures["sensitivity"], named + with_interval(figures["specificity"]) + "."),
        _card(
            "Melanoma AUC",
            figures["auc"],
            "The chance that a melanoma gets a higher probability of melanoma than another photograph. 0.5 is "
            "guessing, the tick.",
            {"value": 0.5},
        ),
    ]
    if flag:
        text = f"Share of the melanomas that flag_melanoma marks. Specificity {with_interval(flag['specificity'])}; "
        cards.append(_card("Flagged melanomas", flag["sensitivity"], text + f"{flag['n']:,} are marked."))
    return cards


def _calibration_card(calibration: Report | None) -> str:
    if not calibration:
        return ""
    perfect = calibration["perfect"]
    text = (
        "Mean distance between how likely the likeliest class was said to be and how often it was true. Perfect "
        f"probabilities would show {perfect['mean']:.3f} ({perfect['low']:.3f} to {perfect['high']:.3f}) by chance, "
        "the tick."
    )
    return _card("Calibration error", calibration["error"], text, {"value": perfect["mean"]})


def _brier_card(report: Report) -> str:
    estimate, blind = report["brier"], report["baseline"]["brier"]
    text = (
        "Squared distance of all probabilities from the truth, 0 (best) to 2. Always stating the class shares of these "
        f"photographs: {number(blind)}, the tick. Log loss {with_interval(report['log_loss'])}."
    )
    return card("Brier score", number(estimate), svg.interval(estimate, blind, most=2), interval(estimate), text)


def _review_cards(report: Report) -> list[str]:
    review = report["review"]
    if not review:
        return []
    text = (
        f"Share of the photographs that the model sends to a person. It chose rightly in "
        f"{with_interval(review['accuracy_kept'])} of those it kept, and in {with_interval(review['accuracy_sent'])} "
        "of those it sent."
    )
    return [_card("Sent to review", review["share"], text)]
