"""Sections of the page of a model: how much it scored, and how its predictions changed over time."""

from collections.abc import Sequence
from typing import Literal

from melanoma.html_page import data_table, details, escaped, paragraph, section
from melanoma.labels import name_of
from melanoma.model.reference_distribution import MIN_PHOTOGRAPHS, TOP_LABEL
from melanoma.reporting import charts
from melanoma.reporting.column_names import column_name
from melanoma.reporting.drift import Distribution
from melanoma.reporting.drift_chart import DriftPoint, drift_chart
from melanoma.reporting.limits import Limits
from melanoma.reporting.month_charts import histograms_by_month, photographs_by_month, share_by_month
from melanoma.reporting.months import Month
from melanoma.runs.run_history import RunSummary, start_of

_MAX_POINTS = 365
_NUMBERS = ("month", "runs", "scored", "failed", "largest PSI, earlier runs", "largest PSI, bundle")


def photographs(months: Sequence[Month]) -> str:
    """Returns the section on the numbers of photographs; empty without months."""
    if not months:
        return ""
    rows = [
        (
            *(month.name, f"{month.runs:,}", f"{month.scored:,}", f"{month.failed:,}"),
            *(_two_digits(month.drift_earlier), _two_digits(month.drift)),
        )
        for month in reversed(months)
    ]
    return section(
        "Photographs by month",
        f'<div class="grid months">{photographs_by_month(months)}</div>',
        charts.legend({name: name for name in ("scored", "failed")}),
        details("Numbers", data_table(_NUMBERS, rows)),
    )


def _two_digits(psi: float | None) -> str:
    return "" if psi is None else f"{psi:.2f}"


def drift(runs: Sequence[RunSummary], limits: Limits) -> str:
    """Returns the section on the drift of a model's runs.

    Args:
        runs: Runs of the model, oldest first.
        limits: What the operator accepts; the pictures show them as dashed lines.
    """
    note = (
        "Largest population stability index (PSI) of all columns, run by run, on a square-root scale; red above the "
        f"limit. Runs of fewer than {MIN_PHOTOGRAPHS} photographs are not judged. A fault raises the index, but so "
        "does a different mix of patients; every archive differs from the photographs that the bundle was validated on."
    )
    return section(
        "Drift",
        "<h3>From the model's earlier runs</h3>",
        _drift_picture(runs, "drift_earlier", limits.max_drift),
        "<h3>From the bundle's validation photographs</h3>",
        _drift_picture(runs, "drift", limits.max_bundle_drift),
        paragraph(note, "muted"),
    )


def _drift_picture(runs: Sequence[RunSummary], key: Literal["drift", "drift_earlier"], limit: float) -> str:
    points = [
        DriftPoint(psi, run["run_date"], f"{start_of(run)} UTC: PSI {psi:.2f}")
        for run in runs
        if (psi := run[key]) is not None
    ]
    if not points:
        return paragraph("No run has been judged.")
    cut = paragraph(f"The last {_MAX_POINTS} of {len(points):,} judged runs.", "muted")
    return drift_chart(points[-_MAX_POINTS:], limit) + (cut if len(points) > _MAX_POINTS else "")


def classes(months: Sequence[Month], reference: Distribution) -> str:
    """Returns the section on the predicted classes; empty if nothing was scored.

    Args:
        months: The months, oldest first.
        reference: Distribution of the bundle's validation photographs; empty if it is not known.
    """
    slugs = sorted({slug for month in months for slug in month.seen.get(TOP_LABEL, ())})
    if not slugs:
        return ""
    shares = {slug: [_share_in(month, slug) for month in months] for slug in slugs}
    known = reference.get(TOP_LABEL, {})
    order = sorted(slugs, key=lambda slug: (-max(share or 0.0 for share in shares[slug]), slug))
    pictures = "".join(
        share_by_month(name_of(slug), months, shares[slug], known.get(slug, 0.0) if known else None) for slug in order
    )
    rows = [(month.name, *(_percent(_share_in(month, slug)) for slug in order)) for month in reversed(months)]
    note = "Share of each class among the photographs scored in a month; every picture has its own scale."
    dashes = " Dashes: share among the bundle's validation photographs." if known else ""
    return section(
        "Predicted classes by month",
        f'<div class="grid months">{pictures}</div>',
        details("Numbers", data_table(("month", *map(name_of, order)), rows)),
        paragraph(note + dashes, "muted"),
    )


def _share_in(month: Month, slug: str) -> float | None:
    return float(month.seen[TOP_LABEL].get(slug, 0.0)) if month.seen else None


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def histograms(months: Sequence[Month]) -> str:
    """Returns the section on the distributions of the probabilities; empty if nothing was scored."""
    columns = sorted({column for month in months for column in month.seen.get("histograms", ())})
    if not columns:
        return ""
    pictures = "".join(histograms_by_month(column_name(column), months, column) for column in columns)
    note = (
        "Each column of a picture is the histogram of one month, from 0 at the bottom to 1 at the top: the darker, the "
        "more photographs (on a square-root scale)."
    )
    return section(
        "Probabilities by month",
        f'<div class="grid months">{pictures}</div>',
        details("Numbers", *(_histogram_table(column, months) for column in columns)),
        paragraph(note, "muted"),
    )


def _histogram_table(column: str, months: Sequence[Month]) -> str:
    rows = [
        (month.name, *(f"{share:.1%}" for share in month.seen["histograms"][column]))
        for month in reversed(months)
        if column in month.seen.get("histograms", {})
    ]
    bins = len(rows[0]) - 1
    head = ("month", *(f"{place / bins:.1f} to {(place + 1) / bins:.1f}" for place in range(bins)))
    return f"<h3>{escaped(column_name(column))}</h3>{data_table(head, rows)}"
