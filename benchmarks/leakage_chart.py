"""Draws the results of `leakage.py` and its protocols, and prints the tables of docs/models/leakage.md.

python benchmarks/leakage_chart.py
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

RESULTS = Path(__file__).parent / "results" / "leakage.json"
IMAGES = Path(__file__).parents[1] / "docs" / "images"
OWN, HONEST, LEAK = "#c2571a", "#0b6e8f", "#c62828"
TITLES = {
    "notebook": "The usual notebook's network",
    "frozen": "Frozen, trained on ImageNet, with a new head",
}
_COLOUR_OF = {"A": "#b9d7ea", "B": "#f5d7a1", "C": "#c9e4c5", "D": "#dcd0ec", "E": "#e8e3dd"}

# Letter: lesion; number: photograph; =: copy of the file; ': augmented image. A1 and A2 show one lesion.
SIDES = {
    "augment, then split": ("A1 A2' B1 B1=' C1' D1 D1' E1 E1'", "A1' A2 B1= B1' C1"),
    "split, then augment": ("A1 A1' B1 B1' D1 D1' E1 E1'", "A2 B1= C1"),
    "clean, split, augment": ("A1 A1' B1 B1' D1 D1' E1 E1'", "A2 C1"),
    "clean, split by lesion, augment": ("A1 A1' A2 A2' B1 B1' D1 D1'", "C1 E1"),
}


def mean(runs: Sequence[Mapping[str, Any]], part: str, measure: str = "balanced_accuracy") -> dict[str, float]:
    """Returns the mean over runs of a measure and of the ends of its interval: value, low, high."""
    figures = [run[f"{part} says"][measure] for run in runs]
    return {key: sum(figure[key] for figure in figures) / len(figures) for key in ("value", "low", "high")}


def by_protocol(report: Mapping[str, Any], network: str) -> dict[str, list[dict[str, Any]]]:
    """Returns the runs of a network by protocol, in their order."""
    runs = defaultdict(list)
    for run in report["runs"]:
        if run["network"] == network:
            runs[run["protocol"]].append(run)
    return dict(runs)


def networks(report: Mapping[str, Any]) -> list[str]:
    """Returns the names of the networks that followed every protocol, in their order."""
    names = dict.fromkeys(run["network"] for run in report["runs"])
    return [name for name in names if len(by_protocol(report, name)) == len(SIDES)]


def draw_figures(report: Mapping[str, Any]) -> Figure:
    """Draws the validation result and the honest test result of each network and protocol."""
    names = networks(report)
    figure = Figure(figsize=(9, 0.8 + 3.6 * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        runs = by_protocol(report, name)
        for row, runs_of in enumerate(runs.values()):
            _draw_pair(axes, row, mean(runs_of, "validation"), mean(runs_of, "honest test"))
        seeds = min(map(len, runs.values()))
        trainings = f"{seeds} trainings" if seeds > 1 else "one training"
        axes.set_title(f"{TITLES[name]}: {trainings}", loc="left", fontsize=11, fontweight="bold")
        axes.text(1.06, -0.62, "too high by", ha="left", fontsize=9)
        axes.set_yticks(range(len(runs)), [f"{protocol}\n{_seen(runs_of)}" for protocol, runs_of in runs.items()])
        axes.set(xlim=(0, 1), ylim=(len(runs) - 0.5, -0.5))
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"balanced accuracy over {len(report['evaluated'])} classes, with 95 % intervals")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    return figure


def _draw_pair(axes: Axes, row: int, own: Mapping[str, float], honest: Mapping[str, float]) -> None:
    """Draws both results of a protocol and their difference."""
    for figures, colour, shift, name in (
        (own, OWN, -0.13, "its own validation part"),
        (honest, HONEST, 0.13, "honest test part"),
    ):
        axes.plot([figures["low"], figures["high"]], [row + shift] * 2, color=colour, lw=2.5, solid_capstyle="round")
        label = name if row == 0 else None
        axes.plot(figures["value"], row + shift, "o", color=colour, ms=9, label=label)
        at, style = (figures["high"], row + shift), {"va": "center", "fontsize": 10, "fontweight": "bold"}
        axes.annotate(f"{figures['value']:.2f}", at, (7, 0), textcoords="offset points", color=colour, **style)
    axes.text(1.06, row, f"{own['value'] - honest['value']:+.3f}", va="center", fontsize=12, fontweight="bold")


def _seen(runs: Sequence[Mapping[str, Any]]) -> str:
    return f"{_share(runs, 'validation'):.0%} of validation seen in training"


def _share(runs: Sequence[Mapping[str, Any]], part: str) -> float:
    """Returns the share of a part's files whose photograph or lesion training has seen."""
    return sum(run[part]["seen in training"]["any"] for run in runs) / sum(run[part]["files"] for run in runs)


def draw_protocols() -> Figure:
    """Draws the files of both sides of each protocol; those that training has seen have a red frame."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axes, (number, (name, sides)) in zip(
        figure.subplots(len(SIDES), 1), enumerate(SIDES.items(), start=1), strict=True
    ):
        training, validation = (side.split() for side in sides)
        axes.set_title(f"{number}. {name}", loc="left", fontsize=11, fontweight="bold")
        _box(axes, 0, 9.4, f"training: {len(training)} files")
        _box(axes, 10, 5.4, f"validation: {len(validation)} files")
        lesions = {item[0] for item in training}
        for start, items in ((0.3, training), (10.3, validation)):
            for place, item in enumerate(items):
                _file(axes, start + place, item, is_leak=start > 5 and item[0] in lesions)
        axes.set(xlim=(-0.1, 15.5), ylim=(-0.1, 1.75), aspect="equal")
        axes.set_axis_off()
    figure.supxlabel(
        "letter: lesion      number: photograph of it      =: copy of a file      ': augmented image, drawn tilted\n"
        "red frame: training has seen its lesion",
        fontsize=9,
    )
    return figure


def _box(axes: Axes, left: float, width: float, caption: str) -> None:
    axes.add_patch(Rectangle((left, 0), width, 1.3, facecolor="#f7f7f5", edgecolor="#b5b5b0"))
    axes.text(left + 0.05, 1.38, caption, fontsize=8, color="#555555")


def _file(axes: Axes, left: float, item: str, is_leak: bool) -> None:
    side, bottom = 0.72, 0.28
    axes.add_patch(
        Rectangle(
            (left, bottom),
            side,
            side,
            angle=14 if item.endswith("'") else 0,
            rotation_point="center",
            facecolor=_COLOUR_OF[item[0]],
            edgecolor=LEAK if is_leak else "#777777",
            linewidth=2.6 if is_leak else 0.8,
        )
    )
    axes.text(left + side / 2, bottom + side / 2, item, ha="center", va="center", fontsize=9)


def table(report: Mapping[str, Any], network: str) -> str:
    """Returns the results of a network as a Markdown table."""
    head = ("protocol", "its own validation", "honest test", "too high by", "published Test")
    lines = [head, ("---", *["---:"] * (len(head) - 1))]
    for name, runs in by_protocol(report, network).items():
        own, honest, published = (mean(runs, part) for part in ("validation", "honest test", "published test"))
        cells = [f"{f['value']:.3f} ({f['low']:.3f} to {f['high']:.3f})" for f in (own, honest, published)]
        lines.append((name, *cells[:2], f"{own['value'] - honest['value']:+.3f}", cells[2]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Draws both figures and prints the tables."""
    report = json.loads(RESULTS.read_text())
    IMAGES.mkdir(exist_ok=True)
    for name, figure in (("leakage.png", draw_figures(report)), ("leakage-protocols.png", draw_protocols())):
        figure.savefig(IMAGES / name, dpi=110)
    for name in networks(report):
        print(f"\n{TITLES[name]}\n\n{table(report, name)}")


if __name__ == "__main__":
    main()
