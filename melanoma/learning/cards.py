"""The card of a trained bundle: for people, what it was made from, how good it is and what it is not for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma.judging.metrics import MIN_TEST_PHOTOGRAPHS
from melanoma.labels import name_of
from melanoma.learning.cleaning import Step
from melanoma.learning.splits import TEST, TRAIN, VALIDATION


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
        prior: Class shares that the probabilities refer to, by label.
        limits: What else a reader must know, a sentence each.
    """

    name: str
    network: str
    data: str
    licence: str
    command: str
    steps: Sequence[Step]
    tally: Mapping[str, Mapping[str, int]]
    prior: Mapping[str, float]
    limits: Sequence[str]


def write_card(training: Training, metrics: Mapping[str, Any]) -> str:
    """Writes the card.

    Args:
        training: Where the network comes from.
        metrics: `test` as `metrics.evaluate` gives it, and the balanced accuracy of the other two parts.

    Returns:
        Markdown.
    """
    sections = [
        f"# {training.name}",
        f"{training.network} It gives one probability to each of {len(training.tally)} classes of skin lesion.",
        "## Intended use",
        "Research, teaching and tests of the software around it. **It diagnoses nobody**, is no medical device, and no "
        "decision about a person may rest on it. It has been judged on photographs like those it was trained on, "
        "and on no others.",
        "## Data",
        f"{training.data}\n\nTerms of the data, which bind the network too, are in `LICENSE`: {training.licence}",
        _table(("cleaning, before the split", "taken out", "photographs left"), training.steps),
        "The split keeps photographs of one lesion together; one whose lesion is not known counts as a lesion of its "
        "own. `split.csv` names the part of every photograph.",
        _split_table(training),
        "Every epoch draws the training classes alike, as far as a small class allows, and augments each photograph "
        "anew (Augmentor: rotation, flips, zoom, contrast). Validation and test photographs are never augmented.",
        "## How good it is",
        figures(metrics),
        "![Loss and accuracy over the epochs](curves.png)",
        "## Known limits",
        "\n".join(f"- {limit}" for limit in [*_limits(metrics), *training.limits]),
        "## How it was made",
        f"```\n{training.command}\n```",
        "`history.csv` has every epoch; `bundle.json` has the settings, the versions and every figure again.",
    ]
    return "\n\n".join(sections) + "\n"


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _split_table(training: Training) -> str:
    rows = [
        (name_of(label), parts[TRAIN], parts[VALIDATION], parts[TEST], f"{training.prior[label]:.3f}")
        for label, parts in training.tally.items()
    ]
    total = [sum(parts[part] for parts in training.tally.values()) for part in (TRAIN, VALIDATION, TEST)]
    head = ("class", "training", "validation", "test", "share of an epoch = prior of the probabilities")
    return _table(head, [*rows, ("all", *total, "1")])


def figures(metrics: Mapping[str, Any]) -> str:
    """Gives the measured figures as Markdown: each with its interval and n, beside the majority baseline."""
    test = metrics["test"]
    answers = (("network", "this network"), ("majority_baseline", f"always {name_of(test['majority_label'])}"))
    rows = [
        (f"{measure.replace('_', ' ')}, {name}", *_cells(test[answer][measure]))
        for measure in ("balanced_accuracy", "accuracy")
        for answer, name in answers
    ]
    recall = [
        (name_of(label), f"{figure['recall']:.3f}" if figure["evaluated"] else "not evaluated", figure["n"])
        for label, figure in test["recall"].items()
    ]
    gap = [(part, *_cells(metrics[part])) for part in (TRAIN, VALIDATION)]
    sections = [
        f"On the test part, which took no part in training or in the choice of the best epoch: {test['n']} photographs "
        f"of {test['groups']} lesions. Balanced accuracy is the mean recall of the evaluated classes, those with "
        f"{MIN_TEST_PHOTOGRAPHS} test photographs or more; intervals are from a bootstrap of whole lesions.",
        _table(("test part", "value", "95 % interval", "n"), rows),
        _table(("class", "recall on the test part", "n"), recall),
        "Balanced accuracy of the same classes on the other parts, without augmentation:",
        _table(("part", "value", "95 % interval", "n"), gap),
    ]
    return "\n\n".join(sections)


def _cells(estimate: Mapping[str, float] | None) -> tuple[str, str, str]:
    if estimate is None:
        return "not evaluated", "", "0"
    return f"{estimate['value']:.3f}", f"{estimate['low']:.3f} to {estimate['high']:.3f}", f"{estimate['n']:.0f}"


def _limits(metrics: Mapping[str, Any]) -> list[str]:
    unknown = [
        f"{name_of(label)}: {figure['n']} test photographs are too few to judge it; do not rely on this output."
        for label, figure in metrics["test"]["recall"].items()
        if not figure["evaluated"]
    ]
    return [
        *unknown,
        "Every photograph gets one of these classes, also one that shows another disease, healthy skin or no skin.",
        "The probabilities refer to the prior of the table above, not to how frequent the classes are anywhere else.",
        "Skin tones, ages, body sites and cameras are those of the data; how it does on others has not been measured.",
    ]
