"""Chapters of a comparison's page about how far the two sides differ, whichever is correct."""

from melanoma.evaluation.formatting import UNDEFINED, number
from melanoma.evaluation.metrics.agreement import list_flips
from melanoma.evaluation.pages import parts
from melanoma.evaluation.pages.parts import card, grid
from melanoma.evaluation.report import Report
from melanoma.html_page import escaped, paragraph, section
from melanoma.labels import name_of

_MAX_FLIPS = 15


def agreement_chapters(agreement: Report) -> list[str]:
    """Returns the chapters, HTML each, from the JSON values of `metrics.agreement.agreement`."""
    return [_agreement(agreement), _flips(agreement), _largest_changes(agreement)]


def _agreement(agreement: Report) -> str:
    n, same = agreement["n"], agreement["same_top_label"]
    cards = [
        card("Same class chosen", f"{same / n:.1%}", "", f"{same:,} of {n:,}."),
        card(
            "Cohen's kappa",
            number(agreement["kappa"]),
            "",
            "Agreement of the chosen classes beyond chance: 1 is full agreement, 0 no more than by chance.",
        ),
        card(
            "Largest difference",
            f"{agreement['largest_difference']:.3g}",
            "",
            f"Of one probability of one photograph. Mean {agreement['mean_difference']:.3g}.",
        ),
        card(
            "Identical",
            f"{agreement['identical']:,}",
            "",
            f"Photographs with the same probabilities, bit for bit. {agreement['within_1e-5']:,} differ by at most "
            "1e-5, which other batch sizes and processors cause.",
        ),
    ]
    return section("How far the predictions differ", grid(cards, 220), _chosen_classes(agreement))


def _chosen_classes(agreement: Report) -> str:
    largest = agreement["largest_by_label"]
    rows = [
        [
            escaped(name_of(slug)),
            f"{row['old']:,}",
            f"{row['new']:,}",
            f"{row['new'] - row['old']:+,}",
            f"{largest[slug]:.3g}" if slug in largest else UNDEFINED,
        ]
        for slug, row in agreement["top_labels"].items()
    ]
    head = ("class", "chosen by old", "chosen by new", "change", "largest difference of its probability")
    return parts.table(head, rows)


def _flips(agreement: Report) -> str:
    flips = list_flips(agreement)
    if not flips:
        return ""
    names = [name_of(slug) for slug in agreement["flips"]["labels"]]
    rows = [[escaped(name_of(flip.old)), escaped(name_of(flip.new)), f"{flip.n:,}"] for flip in flips[:_MAX_FLIPS]]
    most = parts.table(("old", "new", "n"), rows, "names")
    return section(
        "Changes of the chosen class",
        paragraph("Rows: the class that the old model chose. Columns: the class that the new one chose."),
        parts.heat("old \\ new", names, agreement["flips"]["counts"]),
        f"<details><summary>The most frequent changes</summary>{most}</details>",
    )


def _largest_changes(agreement: Report) -> str:
    if not agreement["largest"]:
        return ""
    rows = [
        [
            f"<code>{escaped(row['sha256'])}</code>",
            escaped(name_of(row["label"])),
            f"{row['old']:.4f}",
            f"{row['new']:.4f}",
            escaped(name_of(row["old_top"])),
            escaped(name_of(row["new_top"])),
        ]
        for row in agreement["largest"]
    ]
    return section(
        "Photographs that changed most",
        paragraph(
            "Identified by the first digits of their SHA-256, because names may be patients' names. To find one: "
            "melanoma query TABLE \"SELECT image_uri FROM scores WHERE image_sha256 LIKE 'DIGITS%'\"."
        ),
        parts.table(("sha256", "probability of", "old", "new", "chosen by old", "chosen by new"), rows, "names"),
    )
