"""The card of a trained bundle: for people, what it was made from, how good it is and what it is not for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma.judging.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.labelled.cleaning import Step
from melanoma.labelled.splits import TEST, TRAIN, VALIDATION
from melanoma.labels import name_of
from melanoma.learning import strangers
from melanoma.learning.finishing import Finished

# Daneshjou et al.: "Disparities in dermatology AI performance on a diverse, curated clinical image set", Science
# Advances 8, 2022; Kinyanjui et al.: "Fairness of Classifiers Across Skin Tones in Dermatology", MICCAI 2020.
_SKIN_TONE = (
    "Public dermoscopy collections, these among them, show mostly light skin and say nothing of skin tone. Classifiers "
    "trained on such photographs have been measured to do worse on dark skin (Daneshjou et al., Science Advances 2022; "
    "Kinyanjui et al., MICCAI 2020). How this one does there has not been measured; expect it to do worse."
)


@dataclass(frozen=True)
class Training:
    """What a card tells of a training.

    Attributes:
        name: Of the bundle.
        network: What kind of network, at what input size, for people.
        data: The data set, for people.
        licence: Terms of the data, their first line.
        command: The exact command.
        steps: What cleaning took out, in order.
        tally: Photographs by label and part.
        epoch_shares: Share of each label in an epoch.
        prior: Class shares that the probabilities refer to, by label.
        look: How training looked at its photographs, for people.
        limits: What else a reader must know, a sentence each.
    """

    name: str
    network: str
    data: str
    licence: str
    command: str
    steps: Sequence[Step]
    tally: Mapping[str, Mapping[str, int]]
    epoch_shares: Mapping[str, float]
    prior: Mapping[str, float]
    look: str
    limits: Sequence[str]


def write_card(training: Training, finished: Finished) -> str:
    """Writes the card, Markdown."""
    sections = [
        f"# {training.name}",
        f"{training.network} It gives one probability to each of {len(training.tally)} classes of skin lesion.",
        "## Intended use",
        "Research, teaching and tests of the software around it. **It diagnoses nobody**, is no medical device, and no "
        "decision about a person may rest on it. It has been judged on photographs like those it was trained on, "
        "and on no others.",
        "## Data",
        f"{training.data}\n\nTerms of the data, which bind the network too, are in `LICENSE`: {training.licence}",
        _table(("before the split", "taken out", "photographs left"), training.steps),
        "The split keeps photographs of one lesion together; one whose lesion is not known counts as a lesion of its "
        "own, and near duplicates count as one. `split.csv` names the part of every photograph.",
        _split_table(training),
        f"{training.look} Validation and test photographs are never changed.",
        "![Photographs of each class, and how often an epoch shows it](counts.png)",
        "## How good it is",
        *figures(finished),
        "The whole evaluation, with confusion matrix, curves and reliability diagrams, is `evaluation.html`.",
        "![Loss and accuracy over the epochs](curves.png)",
        "## What it does with its probabilities",
        *_decisions(finished),
        "## Known limits",
        "\n".join(f"- {limit}" for limit in [*_limits(finished), *training.limits]),
        "## How it was made",
        f"```\n{training.command}\n```",
        "`history.csv` has every epoch; `bundle.json` has the settings, the versions and every figure again.",
    ]
    return "\n\n".join(sections) + "\n"


def figures(finished: Finished) -> Iterator[str]:
    """Gives the measured figures as Markdown: each with its interval and n, beside the majority baseline."""
    report = finished.report
    always = f"always {name_of(report['baseline']['label'])}"
    rows = [
        ("balanced accuracy", *_cells(report["balanced_accuracy"])),
        (f"balanced accuracy, {always}", *_cells(report["baseline"]["balanced_accuracy"])),
        ("accuracy", *_cells(report["accuracy"])),
        (f"accuracy, {always}", *_cells(report["baseline"]["accuracy"])),
        ("mean AUC over classes", *_cells(report["macro_auc"])),
        ("Brier score", *_cells(report["brier"])),
    ]
    if calibration := report["calibration"]:
        perfect = calibration["perfect"]
        interval = f"{perfect['low']:.3f} to {perfect['high']:.3f}"
        rows.append(("calibration error of the likeliest class", *_cells(calibration["error"])))
        rows.append(("the same, of a perfectly calibrated network", f"{perfect['mean']:.3f}", interval, report["n"]))
    yield (
        f"On the test part, which took no part in training or in any choice: {report['n']} photographs of "
        f"{report['groups']} lesions. Balanced accuracy is the mean sensitivity of the evaluated classes, those with "
        f"{MIN_TEST_PHOTOGRAPHS} test photographs or more; intervals are from a bootstrap of whole lesions."
    )
    yield _table(("test part", "value", "95 % interval", "n"), rows)
    yield _table(
        ("class", "sensitivity", "95 % interval", "AUC", "95 % interval", "n"),
        [_label_row(label, figure) for label, figure in report["by_label"].items()],
    )
    yield "Balanced accuracy of the other parts, without augmentation:"
    yield _table(
        ("part", "value", "95 % interval", "n"), [(part, *_cells(figure)) for part, figure in finished.gap.items()]
    )
    for name, groups in (report["subgroups"] or {}).items():
        yield (
            f"By {name}, over the classes with {MIN_TEST_PHOTOGRAPHS} photographs or more in a group: compare groups "
            "only where that is the same number of them. Groups with fewer than two such classes are left out."
        )
        yield _table(
            (name, "classes", "balanced accuracy", "95 % interval", "melanoma AUC", "95 % interval", "n"),
            [_group_row(group, figure) for group, figure in groups.items() if len(figure["evaluated"]) > 1],
        )


def _decisions(finished: Finished) -> Iterator[str]:
    choices = finished.choices
    calibration = choices["calibration"]
    yield (
        f"Probabilities are calibrated on the validation part (temperature {calibration['temperature']:.2f} and a bias "
        "for each class) and refer to the prior in the table above: the class shares of the training part. "
        "Elsewhere classes have other shares, and the probabilities are off by as much."
    )
    if flag := choices.get("melanoma"):
        worth = f"sensitivity {_spelt(flag['sensitivity'])}, specificity {_spelt(flag['specificity'])}"
        yield (
            f"`flag_melanoma` is set where `p_melanoma` is {flag['threshold']:.4f} or more: the threshold that finds "
            f"{100 * flag['aim']:.0f} % of the melanomas of the validation part ({worth}). On the test part: "
            f"{_flag_on_test(finished.report)}."
        )
    review = choices["review_below"]
    yield (
        f"`review` is set, with reason `uncertain`, where the chosen label's confidence lies below "
        f"{review['threshold']:.3f}: {_spelt(review['sent'])} of the validation part. Accuracy there is "
        f"{_spelt(review['all']['accuracy'])} over all and {_spelt(review['kept']['accuracy'])} over the rest."
    )
    yield "![Accuracy kept against the share sent to a person](review.png)"
    if found := choices.get("strangers"):
        yield (
            "`ood_score` says how unlike the training photographs one is; above 0.5 it lies further away than 99 of "
            "100 validation photographs, and `review` is set with reason `unlike_training`. Measured:"
        )
        yield strangers.section(found)


def _flag_on_test(report: Mapping[str, Any]) -> str:
    flag = report["flag_melanoma"]
    if not flag:
        return "not evaluated"
    return f"sensitivity {_spelt(flag['sensitivity'])}, specificity {_spelt(flag['specificity'])}"


def _limits(finished: Finished) -> list[str]:
    unknown = [
        f"{name_of(label)}: {figure['n']} test photographs are too few to judge it; do not rely on this output."
        for label, figure in finished.report["by_label"].items()
        if not figure["evaluated"]
    ]
    return [
        *unknown,
        "Every photograph gets one of these classes, also one that shows another disease, healthy skin or no skin. "
        "`ood_score` notices what is far from any dermoscopy photograph; other diseases and other cameras it mostly "
        "does not notice.",
        _SKIN_TONE,
        "Ages, body sites and cameras are those of the data; how it does on others has not been measured.",
    ]


def _split_table(training: Training) -> str:
    rows = [
        (
            name_of(label),
            *(parts[part] for part in (TRAIN, VALIDATION, TEST)),
            f"{training.epoch_shares[label]:.3f}",
            f"{training.prior[label]:.3f}",
        )
        for label, parts in training.tally.items()
    ]
    total = [sum(parts[part] for parts in training.tally.values()) for part in (TRAIN, VALIDATION, TEST)]
    head = ("class", "training", "validation", "test", "share of an epoch", "prior of the probabilities")
    return _table(head, [*rows, ("all", *total, "1", "1")])


def _label_row(label: str, figure: Mapping[str, Any]) -> tuple[object, ...]:
    if not figure["evaluated"]:
        return name_of(label), "not evaluated", "", "", "", figure["n"]
    return name_of(label), *_cells(figure["sensitivity"])[:2], *_cells(figure["auc"])[:2], figure["n"]


def _group_row(group: str, figure: Mapping[str, Any]) -> tuple[object, ...]:
    balanced, melanoma = figure["balanced_accuracy"], figure["melanoma_auc"]
    return group, len(figure["evaluated"]), *_cells(balanced)[:2], *_cells(melanoma)[:2], figure["n"]


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _cells(estimate: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if estimate is None:
        return "not evaluated", "", "0"
    return f"{estimate['value']:.3f}", f"{estimate['low']:.3f} to {estimate['high']:.3f}", f"{estimate['n']:.0f}"


def _spelt(estimate: Mapping[str, Any] | None) -> str:
    value, interval, n = _cells(estimate)
    return f"{value} ({interval}, n = {n})" if estimate else value
