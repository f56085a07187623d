"""The main metrics of an evaluation as cards: value, interval, what to compare it with and what it means."""

from melanoma.evaluation.formatting import interval, number, with_interval
from melanoma.evaluation.inputs.predictions import MELANOMA
from melanoma.evaluation.pages import svg
from melanoma.evaluation.pages.parts import card
from melanoma.evaluation.report import Report
from melanoma.labels import name_of

_GUESSING = 0.5  # AUC of a random ranking


def cards(report: Report) -> list[str]:
    """Returns the cards of a report, HTML each."""
    cards = [
        *_accuracy_cards(report),
        *_melanoma_cards(report),
        _estimate_card(
            "Macro AUC",
            report["macro_auc"],
            "Mean over the evaluated classes of the chance that a photograph of the class scores above another one. "
            "Tick: guessing, 0.5.",
            _GUESSING,
        ),
        _calibration_card(report["calibration"]),
        _brier_card(report),
        _review_card(report["review"]),
    ]
    return [card for card in cards if card]


def _estimate_card(
    name: str, estimate: Report | None, text: str, reference: float | None = None, most: float = 1.0
) -> str:
    return card(name, number(estimate), svg.interval(estimate, reference, most=most), interval(estimate), text)


def _accuracy_cards(report: Report) -> list[str]:
    baseline = report["baseline"]
    always = f"Tick: always choosing {name_of(baseline['label']).lower()}"
    texts = {
        "balanced_accuracy": "Mean sensitivity of the evaluated classes under the decision rule.",
        "accuracy": "Share of photographs with the correct class; it favours frequent classes.",
    }
    return [
        _estimate_card(
            key.replace("_", " ").capitalize(),
            report[key],
            f"{text} {always}, {number(baseline[key])}.",
            baseline[key]["value"] if baseline[key] else None,
        )
        for key, text in texts.items()
    ]


def _melanoma_cards(report: Report) -> list[str]:
    metrics = report["by_label"].get(MELANOMA)
    if not metrics or not metrics["n"]:
        return []
    flag = report["flag_melanoma"]
    cards = [
        _estimate_card(
            "Melanoma sensitivity",
            metrics["sensitivity"],
            f"Share of the {metrics['n']:,} melanomas for which the decision rule chooses melanoma. Specificity "
            f"{with_interval(metrics['specificity'])}.",
        ),
        _estimate_card(
            "Melanoma AUC",
            metrics["auc"],
            "The chance that a melanoma gets a higher probability of melanoma than another photograph. Tick: guessing, "
            "0.5.",
            _GUESSING,
        ),
    ]
    if flag:
        text = (
            f"Share of the melanomas with flag_melanoma. Specificity {with_interval(flag['specificity'])}; "
            f"{flag['n']:,} photographs are flagged."
        )
        cards.append(_estimate_card("Flagged melanomas", flag["sensitivity"], text))
    return cards


def _calibration_card(calibration: Report | None) -> str:
    if not calibration:
        return ""
    perfect = calibration["perfect"]
    text = (
        "Mean difference between the probability of the most likely class and how often it is correct. Tick: perfect "
        f"probabilities, which would show {perfect['mean']:.3f} ({perfect['low']:.3f} to {perfect['high']:.3f}) by "
        "chance."
    )
    return _estimate_card("Calibration error", calibration["error"], text, perfect["mean"])


def _brier_card(report: Report) -> str:
    constant = report["baseline"]["brier"]
    text = (
        "Squared distance of all probabilities from the truth, 0 (best) to 2. Tick: always predicting the class shares "
        f"of these photographs, {number(constant)}. Log loss {with_interval(report['log_loss'])}."
    )
    return _estimate_card("Brier score", report["brier"], text, constant, most=2)


def _review_card(review: Report | None) -> str:
    if not review:
        return ""
    text = (
        "Share of the photographs that the model refers to a person. The chosen class is correct in "
        f"{with_interval(review['accuracy_kept'])} of the others and in {with_interval(review['accuracy_sent'])} of "
        "the referred ones."
    )
    return _estimate_card("Referred to a person", review["share"], text)
