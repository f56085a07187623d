"""Sections of a report on the predictions: the classes, their drift, and photographs worth a look."""

from collections.abc import Mapping, Sequence
from typing import Any

from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.html_page import data_table, escaped, paragraph, section
from melanoma.labels import name_of
from melanoma.model.reference_distribution import (
    CALM,
    LOOK,
    LOOK_LIMIT,
    MIN_PHOTOGRAPHS,
    TOP_LABEL,
    WARN,
    WARNING_LIMIT,
)
from melanoma.reporting import charts
from melanoma.reporting.charts import ClassShare
from melanoma.reporting.column_names import column_name
from melanoma.reporting.drift import last_runs
from melanoma.wording import counted

Content = Mapping[str, Any]
_VERDICTS = {
    CALM: "no drift",
    LOOK: "some drift, worth a look",
    WARN: f"the distributions differ clearly (above {WARNING_LIMIT})",
}


def classes(content: Content) -> str:
    """Returns the section on the predicted classes; empty if nothing was scored."""
    seen = content.get("seen")
    if not seen:
        return ""
    before, reference = content["earlier"].get(TOP_LABEL), content["reference"].get(TOP_LABEL)
    now = seen[TOP_LABEL]
    rows = [
        ClassShare(name_of(slug), now[slug], before and before.get(slug, 0.0), reference and reference.get(slug, 0.0))
        for slug in sorted(now, key=lambda slug: (-now[slug], slug))
    ]
    return section("Predicted classes", charts.class_shares(rows), paragraph(_compared_with(content), "muted"))


def _compared_with(content: Content) -> str:
    runs, n = content["earlier"].get("nights", 0), content["earlier"].get("n", 0)
    last = last_runs(runs)
    earlier = (
        f"Earlier: {counted(n, 'photograph')} from {last} of this model." if n else "No earlier runs of this model."
    )
    reference = content["reference"].get("n", 0)
    return (
        f"{earlier} Reference: {counted(reference, 'validation photograph')} of the bundle." if reference else earlier
    )


def drift(content: Content) -> str:
    """Returns the section on prediction drift; empty if nothing was scored."""
    seen = content.get("seen")
    if not seen:
        return ""
    reference, before = content["reference"].get("histograms", {}), content["earlier"].get("histograms", {})
    against = content["drift"]
    pictures = "".join(
        charts.histogram(
            column_name(name), bins, before.get(name), reference.get(name), _index(against["bundle"], name)
        )
        for name, bins in sorted(seen["histograms"].items())
    )
    note = (
        "Blocks: this run. Line: earlier runs. Dashes: reference. Heights are on a square-root scale. PSI is the "
        f"population stability index against the reference: above {LOOK_LIMIT} it is worth a look, above "
        f"{WARNING_LIMIT} the distributions differ clearly. It needs {MIN_PHOTOGRAPHS} photographs. A fault raises it, "
        "but so does a different mix of patients. The limits above which a run needs attention are --max-drift and "
        "--max-bundle-drift."
    )
    return section(
        "Distribution of the probabilities",
        paragraph(_verdict("the bundle's validation photographs", against["bundle"])),
        paragraph(_verdict("the previous runs", against["earlier"])),
        f'<div class="grid">{pictures}</div>',
        paragraph(note, "muted"),
    )


def _index(found: Content, name: str) -> str:
    return f"PSI {found['columns'][name]:.2f}" if name in found["columns"] else ""


def _verdict(reference: str, found: Content) -> str:
    if not found["judged"]:
        return f"Not compared with {reference}: {found['reason']}."
    worst = found["worst"]
    column = "the predicted classes" if worst == TOP_LABEL else column_name(worst)
    index = found["columns"][worst]
    return f"Compared with {reference}: {_VERDICTS[found['level']]}. The largest PSI is {index:.2f} ({column})."


def sample(content: Content) -> str:
    """Returns the section with photographs for quality control; empty if there are none."""
    rows = content.get("sample", {})
    parts = [_least_certain(rows.get("least_certain", ())), _most_moved(rows.get("most_moved", ()))]
    if rows.get("suspicious"):
        parts += [paragraph(NO_DIAGNOSIS, "warning"), _suspicious(rows["suspicious"])]
    if not any(parts):
        return ""
    note = (
        "With read access to the key of the table, melanoma explain TABLE PSEUDONYM shows which photograph a pseudonym "
        "stands for."
    )
    return section("A sample for quality control", paragraph(note, "muted"), *parts)


def _least_certain(rows: Sequence[Content]) -> str:
    cells = [(row["photograph"], name_of(row["top_label"]), f"{row['margin']:.3f}") for row in rows]
    title = "Least certain: the two most likely classes have almost the same probability."
    return _table(title, ("photograph", "predicted class", "margin"), cells)


def _most_moved(rows: Sequence[Content]) -> str:
    cells = [(row["photograph"], name_of(row["from"]), name_of(row["to"]), f"{row['distance']:.3f}") for row in rows]
    title = "Most changed: the scores differ most from the earlier scores of the same model."
    return _table(title, ("photograph", "before", "now", "distance"), cells)


def _suspicious(rows: Sequence[Content]) -> str:
    cells = [(row["photograph"], f"{row['p_melanoma']:.3f}") for row in rows]
    return _table("Highest probabilities of melanoma.", ("photograph", "probability"), cells)


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = [(f"<code>{escaped(first)}</code>", *map(escaped, rest)) for first, *rest in rows]
    return f"<h3>{escaped(title)}</h3>{data_table(names, cells)}"
