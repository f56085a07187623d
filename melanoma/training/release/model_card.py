"""The card of a trained bundle: what it was made from, how good it is and what it must not be used for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma.datasets.cleaning import Step
from melanoma.datasets.splits import PARTS
from melanoma.evaluation.external_card import ONLY_INTERNAL, SEE_EXTERNAL, external_section
from melanoma.labels import name_of
from melanoma.training.calibration import ood_detection
from melanoma.training.release.candidate import ReleaseCandidate
from melanoma.training.release.decision_text import decision_paragraphs, views_sentence
from melanoma.training.release.markdown_tables import evaluation_sections, table

# Daneshjou et al.: "Disparities in dermatology AI performance on a diverse, curated clinical image set", Science
# Advances 8, 2022; Kinyanjui et al.: "Fairness of Classifiers Across Skin Tones in Dermatology", MICCAI 2020.
_SKIN_TONE = (
    "Public dermoscopy collections show mostly light skin and do not record skin tone. Classifiers trained on such "
    "photographs have been measured to perform worse on dark skin (Daneshjou et al., Science Advances 2022; Kinyanjui "
    "et al., MICCAI 2020). How this one performs there has not been measured; expect it to be worse."
)


@dataclass(frozen=True)
class CardFacts:
    """What a card says about a training. `bundle.json` keeps the same values under the same names.

    Attributes:
        name: Name of the bundle.
        network: Description of the network and its input size.
        teachers: Descriptions of the networks that were its teachers.
        backends: Keras backends that trained it, in order.
        origin: Model id of the bundle that it was started from; empty for none.
        data: Description of the data set.
        licence: First line of the terms of the data.
        command: The exact command.
        steps: What each step of the preparation dropped, in order.
        tally: Photographs by label and part.
        epoch_shares: Share of each label in an epoch.
        prior: Class shares that the probabilities refer to, by label.
        look: Description of the augmentation policy.
        limits: Further known limits, one sentence each.
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


def write_card(facts: CardFacts, candidate: ReleaseCandidate) -> str:
    """Returns the card as Markdown."""
    assessment, choices = candidate.assessment, candidate.model.choices
    sections = [
        f"# {facts.name}",
        f"{facts.network} It returns a probability for each of {len(facts.tally)} classes of skin lesion.",
        *views_sentence(candidate.model.views),
        "## Intended use",
        "Research, teaching and tests of the software around it. **It does not diagnose anybody**, is not a medical "
        "device, and must not be the basis of any decision about a person. "
        f"{SEE_EXTERNAL if assessment.external else ONLY_INTERNAL}",
        *external_section(assessment.report, assessment.external, (choices.get("melanoma") or {}).get("aim")),
        "## Data",
        f"{facts.data}\n\nTerms of the data, which also apply to the network, are in `LICENSE`: {facts.licence}",
        table(("before the split", "dropped", "photographs left"), facts.steps),
        "All photographs of a lesion are in the same part of the split. A photograph whose lesion is not known counts "
        "as a separate lesion; near duplicates count as one lesion. `split.csv` lists the part of every photograph.",
        _split_table(facts),
        f"{facts.look} Validation and test photographs are not augmented.",
        "![Photographs of each class, and how many of them an epoch shows](counts.png)",
        "## Performance",
        *evaluation_sections(assessment.report, assessment.gap),
        "The full evaluation, with confusion matrix, curves and reliability diagrams, is in `evaluation.html`.",
        "![Loss and accuracy over the epochs](curves.png)",
        "## Thresholds and calibration",
        *_thresholds(candidate),
        "## Known limits",
        "\n".join(f"- {limit}" for limit in [*_limits(assessment.report), *facts.limits]),
        "## How it was trained",
        f"```\n{facts.command}\n```",
        *_training(facts),
        "`history.csv` has the metrics of every epoch; `bundle.json` repeats settings, versions and all metrics.",
    ]
    return "\n\n".join(sections) + "\n"


def _training(facts: CardFacts) -> Iterator[str]:
    first = facts.backends[0]
    setting = f" (set `KERAS_BACKEND={first}` before the command)" if first != "tensorflow" else ""
    yield f"Trained by Keras with {' and then '.join(facts.backends)}{setting}."
    if facts.origin:
        yield (
            f"All layers but the last started with the weights of {facts.origin}. `ancestry.csv` lists the photographs "
            "that it was trained on, and `LICENSE` has their terms."
        )
    if facts.teachers:
        count = len(facts.teachers)
        yield (
            f"Distilled from {count} network{'s' * (count > 1)} ({', '.join(facts.teachers)}), trained before it on "
            "the training part alone. It learned their predictions as well as the labels; they are not in the bundle."
        )


def _thresholds(candidate: ReleaseCandidate) -> Iterator[str]:
    choices = candidate.model.choices
    yield (
        "Probabilities are calibrated on the validation part (temperature "
        f"{choices['calibration']['temperature']:.2f} and a bias for each class) and refer to the prior in the table "
        "above: the class shares of the training part. Where the classes have other shares, the probabilities are "
        "biased accordingly."
    )
    yield from decision_paragraphs(choices, candidate.assessment.report["flag_melanoma"])
    if detection := candidate.assessment.ood_detection:
        yield (
            "`ood_score` measures how much a photograph differs from the training photographs. Above 0.5 it differs "
            "more than 99 of 100 validation photographs, and `review` is set with reason `unlike_training`. Measured:"
        )
        yield ood_detection.to_markdown(detection)


def _limits(report: Mapping[str, Any]) -> list[str]:
    not_evaluated = [
        f"{name_of(label)}: {metrics['n']} test photographs are too few to evaluate it; do not rely on this output."
        for label, metrics in report["by_label"].items()
        if not metrics["evaluated"]
    ]
    return [
        *not_evaluated,
        "Every photograph gets one of these classes, even if it shows another disease, healthy skin or no skin. "
        "`ood_score` detects images that are far from any dermoscopy photograph; it mostly does not detect other "
        "diseases or other cameras.",
        _SKIN_TONE,
        "Ages, body sites and cameras are those of the data; performance on others has not been measured.",
    ]


def _split_table(facts: CardFacts) -> str:
    rows = [
        (
            name_of(label),
            *(counts[part] for part in PARTS),
            f"{facts.epoch_shares[label]:.3f}",
            f"{facts.prior[label]:.3f}",
        )
        for label, counts in facts.tally.items()
    ]
    total = [sum(counts[part] for counts in facts.tally.values()) for part in PARTS]
    head = ("class", "training", "validation", "test", "share of an epoch", "prior of the probabilities")
    return table(head, [*rows, ("all", *total, "1", "1")])
