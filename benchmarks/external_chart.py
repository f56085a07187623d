"""Draws what the shipped networks do at other hospitals, from their bundles, for docs/models/leakage.md.

python benchmarks/external_chart.py
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
IMAGE = ROOT / "docs" / "images" / "external.svg"
BUNDLES = ("ham10000-lite0", "ham10000-lite0-taught")
INTERNAL, EXTERNAL = "#0b6e8f", "#c2571a"
matplotlib.rcParams["svg.hashsalt"] = "external"  # the same bytes every time
Report = Mapping[str, Any]
FIGURES: dict[str, Callable[[Report], Mapping[str, float]]] = {
    "AUC of melanoma": lambda report: report["by_label"]["melanoma"]["auc"],
    "melanoma flag: sensitivity": lambda report: report["flag_melanoma"]["sensitivity"],
    "melanoma flag: specificity": lambda report: report["flag_melanoma"]["specificity"],
    "calibration error (0 is best)": lambda report: report["calibration"]["error"],
}


def draw(metrics_of: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draws a panel for each network: every figure on its own test part and at each external source.

    Args:
        metrics_of: The `metrics` of `bundle.json` by name of the bundle.
    """
    figure = Figure(figsize=(9, 0.6 + 3.4 * len(metrics_of)), layout="constrained")
    for axes, (name, metrics) in zip(
        figure.subplots(len(metrics_of), 1, squeeze=False)[:, 0], metrics_of.items(), strict=True
    ):
        _panel(axes, metrics)
        axes.set_title(name, loc="left", fontsize=11, fontweight="bold")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


def _panel(axes: Axes, metrics: Mapping[str, Any]) -> None:
    reports = {"its own test part": metrics["test"]}
    reports |= {f"other hospitals: {part['source']} (n = {part['n']:,})": part for part in metrics["external"]}
    for row, figure_of in enumerate(FIGURES.values()):
        for place, (label, report) in enumerate(reports.items()):
            estimate, height = figure_of(report), row + 0.24 * (place - (len(reports) - 1) / 2)
            colour = EXTERNAL if place else INTERNAL
            axes.plot([estimate["low"], estimate["high"]], [height] * 2, color=colour, lw=2.5, solid_capstyle="round")
            marker = "os^D"[min(place, 3)]
            axes.plot(estimate["value"], height, marker, color=colour, ms=7, label=label if not row else None)
            axes.annotate(
                f"{estimate['value']:.2f}",
                (estimate["high"], height),
                (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=colour,
            )
    axes.set(yticks=range(len(FIGURES)), yticklabels=list(FIGURES), xlim=(0, 1.08), ylim=(len(FIGURES) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)


def main() -> None:
    """Draws the figure."""
    documents = {name: json.loads((ROOT / "bundles" / name / "bundle.json").read_text()) for name in BUNDLES}
    draw({name: document["metrics"] for name, document in documents.items()}).savefig(IMAGE, metadata={"Date": None})


if __name__ == "__main__":
    main()
