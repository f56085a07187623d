"""How far two answers lie apart, as chapters of a comparison's page."""

from collections.abc import Mapping
from typing import Any

from melanoma.evaluation.formatting import number
from melanoma.evaluation.metrics.agreement import flipped
from melanoma.evaluation.pages import parts
from melanoma.evaluation.pages.parts import card, escaped, grid, paragraph, section
from melanoma.labels import name_of

Report = Mapping[str, Any]
_MOST_FLIPS = 15


def agreement_chapters(found: Report) -> list[str]:
    """Gives the chapters, HTML each, from the JSON values of `agreement.agreement`."""
    return [_agreement(found), _flips(found), _largest(found)]


def _agreement(found: Report) -> str:
    n = found["n"]
    cards = [
        card("Same class chosen", f"{found['same_top_label'] / n:.1%}", "", f"{found['same_top_label']:,} of {n:,}."),
        card(
            "Cohen's kappa",
            number(found["kappa"]),
            "",
            "Agreement of the chosen classes beyond chance: 1 always, 0 no more than by chance.",
        ),
        card(
            "Largest difference",
            f"{found['largest_difference']:.3g}",
            "",
            f"Of one probability of one photograph. Mean {found['mean_difference']:.3g}.",
        ),
        card(
            "Identical",
            f"{found['identical']:,}",
            "",
            f"Photographs with the same probabilities, bit for bit; {found['within_1e-5']:,} differ by 1e-5 at most, "
            "as other batch sizes and processors make them.",
        ),
    ]
    return section("How far they lie apart", grid(cards, 220), _shifts(found))


def _shifts(found: Report) -> str:
    rows = [
        [
            escaped(name_of(slug)),
            f"{row['old']:,}",
            f"{row['new']:,}",
            f"{row['new'] - row['old']:+,}",
            f"{found['largest_by_label'][slug]:.3g}" if slug in found["largest_by_label"] else "–",
        ]
        for slug, row in found["top_labels"].items()
    ]
    return parts.table(
        ("class", "old chose it", "new chose it", "shift", "largest difference of its probability"), rows
    )


def _flips(found: Report) -> str:
    flips = flipped(found)
    if not flips:
        return ""
    names = [name_of(slug) for slug in found["flips"]["labels"]]
    rows = [[escaped(name_of(old)), escaped(name_of(new)), f"{n:,}"] for old, new, n in flips[:_MOST_FLIPS]]
    most = parts.table(("old", "new", "n"), rows, "names")
    return section(
        "Which class became which",
        paragraph("Rows: the class that the old model chose. Columns: the class that the new one chose."),
        parts.heat("old \\ new", names, found["flips"]["counts"]),
        f"<details><summary>The most frequent changes</summary>{most}</details>",
    )


def _largest(found: Report) -> str:
    if not found["largest"]:
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
        for row in found["largest"]
    ]
    return section(
        "Photographs that moved most",
        paragraph(
            "Named by the first digits of their sha256, since names may be patients': find one by melanoma query TABLE "
            "\"SELECT image_uri FROM scores WHERE image_sha256 LIKE 'DIGITS%'\"."
        ),
        parts.table(("sha256", "probability of", "old", "new", "old chose", "new chose"), rows, "names"),
    )
