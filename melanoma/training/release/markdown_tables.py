"""Measured figures as Markdown, each with its interval and n."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from melanoma.labels import name_of

Figure = Mapping[str, Any]


def figures(report: Figure, gap: Mapping[str, Figure]) -> Iterator[str]:
    """Gives all that an evaluation says, beside the majority baseline.

    Args:
        report: Of the test part, as `evaluation.evaluate` gives it.
        gap: Balanced accuracy of the other parts, by part.
    """
    always = f"always {name_of(report['baseline']['label'])}"
    rows = [
        ("balanced accuracy", *cells(report["balanced_accuracy"])),
        (f"balanced accuracy, {always}", *cells(report["baseline"]["balanced_accuracy"])),
        ("accuracy", *cells(report["accuracy"])),
        (f"accuracy, {always}", *cells(report["baseline"]["accuracy"])),
        ("mean AUC over classes", *cells(report["macro_auc"])),
        ("Brier score", *cells(report["brier"])),
    ]
    if calibration := report["calibration"]:
        perfect = calibration["perfect"]
        interval = f"{perfect['low']:.3f} to {perfect['high']:.3f}"
        rows.append(("calibration error of the likeliest class", *cells(calibration["error"])))
        rows.append(("the same, of a perfectly calibrated network", f"{perfect['mean']:.3f}", interval, report["n"]))
    yield (
        f"On the test part, which took no part in training or in any choice: {report['n']} photographs of "
        f"{report['groups']} lesions. Balanced accuracy is the mean sensitivity of the evaluated classes, those with "
        f"{MIN_TEST_PHOTOGRAPHS} test photographs or more; intervals are from a bootstrap of whole lesions."
    )
    yield table(("test part", "value", "95 % interval", "n"), rows)
    yield table(
        ("class", "sensitivity", "95 % interval", "AUC", "95 % interval", "n"),
        [_label_row(label, figure) for label, figure in report["by_label"].items()],
    )
    yield "Balanced accuracy of the other parts over the same classes, without augmentation:"
    yield table(("part", "value", "95 % interval", "n"), [(part, *cells(figure)) for part, figure in gap.items()])
    for name, groups in (report["subgroups"] or {}).items():
        yield (
            f"By {name}, over the classes with {MIN_TEST_PHOTOGRAPHS} photographs or more in a group: compare groups "
            "only where that is the same number of them. Groups with fewer than two such classes are left out."
        )
        rows_of_groups = [_group_row(group, figure) for group, figure in groups.items() if len(figure["evaluated"]) > 1]
        head = (name, "classes", "balanced accuracy", "95 % interval", "melanoma AUC", "95 % interval", "n")
        yield table(head, rows_of_groups) if rows_of_groups else "No group has two."


def _label_row(label: str, figure: Figure) -> tuple[object, ...]:
    if not figure["evaluated"]:
        return name_of(label), "not evaluated", "", "", "", figure["n"]
    return name_of(label), *cells(figure["sensitivity"])[:2], *cells(figure["auc"])[:2], figure["n"]


def _group_row(group: str, figure: Figure) -> tuple[object, ...]:
    balanced, melanoma = figure["balanced_accuracy"], figure["melanoma_auc"]
    return group, len(figure["evaluated"]), *cells(balanced)[:2], *cells(melanoma)[:2], figure["n"]


def table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """Lays rows out below a head; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def cells(estimate: Figure | None) -> tuple[str, str, str]:
    """Spells a figure, its interval and its n; one that could not be measured says so."""
    if estimate is None:
        return "not evaluated", "", "0"
    return f"{estimate['value']:.3f}", f"{estimate['low']:.3f} to {estimate['high']:.3f}", f"{estimate['n']:.0f}"


def spelt(estimate: Figure | None) -> str:
    """Spells a figure within a sentence."""
    value, interval, n = cells(estimate)
    return f"{value} ({interval}, n = {n})" if estimate else value
