"""The card of a trained bundle: for people, what it was made from, how good it is and what it is not for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma.datasets.cleaning import Step
from melanoma.datasets.splits import TEST, TRAIN, VALIDATION
from melanoma.labels import name_of
from melanoma.training.calibration import ood_detection
from melanoma.training.release.finishing import Finished
from melanoma.training.release.markdown_tables import figures, spelt, table

# Daneshjou et al.: "Disparities in dermatology AI performance on a diverse, curated clinical image set", Science
# Advances 8, 2022; Kinyanjui et al.: "Fairness of Classifiers Across Skin Tones in Dermatology", MICCAI 2020.
_SKIN_TONE = (
    "Public dermoscopy collections show mostly light skin and say nothing of skin tone. Classifiers "
    "trained on such photographs have been measured to do worse on dark skin (Daneshjou et al., Science Advances 2022; "
    "Kinyanjui et al., MICCAI 2020). How this one does there has not been measured; expect it to do worse."
)


@dataclass(frozen=True)
class Training:
    """What a card tells of a training.

    Attributes:
        name: Of the bundle.
        network: What kind of network, at what input size, for people.
        teachers: What kinds of networks taught it, for people.
        backends: Of Keras, that trained it.
        origin: Name of the model whose weights it started from; empty where they are the network's own.
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
    teachers: Sequence[str]
    backends: Sequence[str]
    origin: str
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
        table(("before the split", "taken out", "photographs left"), training.steps),
        "The split keeps photographs of one lesion together; one whose lesion is not known counts as a lesion of its "
        "own, and near duplicates count as one. `split.csv` names the part of every photograph.",
        _split_table(training),
        f"{training.look} Validation and test photographs are never changed.",
        "![Photographs of each class, and how often an epoch shows it](counts.png)",
        "## How good it is",
        *figures(finished.report, finished.gap),
        "The whole evaluation, with confusion matrix, curves and reliability diagrams, is `evaluation.html`.",
        "![Loss and accuracy over the epochs](curves.png)",
        "## What it does with its probabilities",
        *_decisions(finished),
        "## Known limits",
        "\n".join(f"- {limit}" for limit in [*_limits(finished), *training.limits]),
        "## How it was made",
        f"```\n{training.command}\n```",
        *_making(training),
        "`history.csv` has every epoch; `bundle.json` has the settings, the versions and every figure again.",
    ]
    return "\n\n".join(sections) + "\n"


def _making(training: Training) -> Iterator[str]:
    first = training.backends[0]
    named = f" (`KERAS_BACKEND={first}` in front of the command)" if first != "tensorflow" else ""
    yield f"Keras trained it with {' and then '.join(training.backends)}{named}."
    if training.origin:
        yield (
            f"All layers but the last started from those of {training.origin}. `ancestry.csv` lists the photographs "
            "that it was trained on, and `LICENSE` has their terms."
        )
    if training.teachers:
        count = len(training.teachers)
        yield (
            f"{count} network{'s' * (count > 1)} ({', '.join(training.teachers)}) learned first, on the training part "
            "alone; this one learned their answers beside the labels, and they do not ship."
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
        worth = f"sensitivity {spelt(flag['sensitivity'])}, specificity {spelt(flag['specificity'])}"
        yield (
            f"`flag_melanoma` is set where `p_melanoma` is {flag['threshold']:.4f} or more: the threshold that finds "
            f"{100 * flag['aim']:.0f} % of the melanomas of the validation part ({worth}). On the test part: "
            f"{_flag_on_test(finished.report)}."
        )
    review = choices["review_below"]
    yield (
        f"`review` is set, with reason `uncertain`, where the chosen label's confidence lies below "
        f"{review['threshold']:.3f}: {spelt(review['sent'])} of the validation part. Accuracy there is "
        f"{spelt(review['all']['accuracy'])} over all and {spelt(review['kept']['accuracy'])} over the rest."
    )
    yield "![Accuracy kept against the share sent to a person](review.png)"
    if found := choices.get("strangers"):
        yield (
            "`ood_score` says how unlike the training photographs one is; above 0.5 it lies further away than 99 of "
            "100 validation photographs, and `review` is set with reason `unlike_training`. Measured:"
        )
        yield ood_detection.to_markdown(found)


def _flag_on_test(report: Mapping[str, Any]) -> str:
    flag = report["flag_melanoma"]
    if not flag:
        return "not evaluated"
    return f"sensitivity {spelt(flag['sensitivity'])}, specificity {spelt(flag['specificity'])}"


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
    return table(head, [*rows, ("all", *total, "1", "1")])
