"""The card of a bundle whose network is that of an earlier bundle."""

from collections.abc import Iterator, Mapping, Sequence

from melanoma.evaluation.external_card import ONLY_INTERNAL, SEE_EXTERNAL, external_section
from melanoma.labels import name_of
from melanoma.model.bundle import Bundle
from melanoma.model.description import FLAGGED
from melanoma.training.release.decision_text import decision_paragraphs
from melanoma.training.release.markdown_tables import evaluation_sections, inline, table
from melanoma.training.release.measuring import Measured

EARLIER_CARD = "earlier-card.md"


def recalibrated_card(
    bundle: Bundle,
    name: str,
    settings: Sequence[str],
    measured: Measured,
    command: str,
    tally: Mapping[str, Mapping[str, int]],
) -> str:
    """Returns the card as Markdown.

    Args:
        bundle: The earlier bundle.
        name: Name of the new one.
        settings: Paragraphs about views and precision.
        measured: What was measured anew.
        command: The exact command.
        tally: Photographs by label and part.
    """
    aim = (measured.choices.get(FLAGGED) or {}).get("aim")
    sections = [
        f"# {name}",
        f"The network of `{bundle.name}` (model `{bundle.model_id}`), with thresholds and calibration of its own. The "
        f"weights are the same. `{EARLIER_CARD}` is the card from its training: what the network is, what it was "
        "trained on, and how. The figures on that card are not those of this bundle.",
        *settings,
        "## Intended use",
        "Research, teaching and tests of the software around it. **It does not diagnose anybody**, is not a medical "
        "device, and must not be the basis of any decision about a person. "
        f"{SEE_EXTERNAL if measured.external else ONLY_INTERNAL}",
        *external_section(measured.report, measured.external, aim),
        "## Photographs",
        "Temperature and thresholds were chosen on the validation part, and the figures are those of the test part. "
        "The network was trained on none of these photographs. `LICENSE` has the terms of the data.",
        _tally_table(tally),
        "## Performance",
        *evaluation_sections(measured.report, {"validation": measured.validation}),
        "The full evaluation, with confusion matrix, curves and reliability diagrams, is in `evaluation.html`.",
        "## Thresholds and calibration",
        *_calibration(bundle, measured),
        *decision_paragraphs(measured.choices, measured.report["flag_melanoma"]),
        "## How it was made",
        f"```\n{command}\n```",
        "`bundle.json` repeats settings, versions and all metrics.",
    ]
    return "\n\n".join(sections) + "\n"


def _tally_table(tally: Mapping[str, Mapping[str, int]]) -> str:
    rows = [(name_of(label), *counts.values()) for label, counts in tally.items()]
    return table(("class", *next(iter(tally.values()))), rows)


def _calibration(bundle: Bundle, measured: Measured) -> Iterator[str]:
    found = measured.choices["calibration"]
    worst = " It is the one with the smallest log loss at the worst source." if "sources" in measured.choices else ""
    changed = (
        "The temperature is that of the earlier bundle"
        if measured.temperature == bundle.temperature
        else f"The temperature was chosen anew ({bundle.temperature:.3g} before)"
    )
    yield (
        f"{changed}: {measured.temperature:.3g}.{worst} On the validation part the calibration error was "
        f"{inline(found['before'])} before and is {inline(found['after'])}. The probabilities refer to the class "
        "shares that the earlier card states. Where the classes have other shares, the probabilities are biased "
        "accordingly."
    )
