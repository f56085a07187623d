"""Draws what `leakage.py` measured, and what its protocols do, and prints the table that the documentation shows.

Call: `python benchmarks/leakage_chart.py`
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
SAYS, HONEST, LEAK = "#c2571a", "#0b6e8f", "#c62828"
_COLOUR_OF = {"A": "#b9d7ea", "B": "#f5d7a1", "C": "#c9e4c5", "D": "#dcd0ec", "E": "#e8e3dd"}

# Letter: lesion; number: photograph; = a copy of the file; ' a variant. A1 and A2 show one lesion.
SIDES = {
    "augment, then split": ("A1 A2' B1 B1=' C1' D1 D1' E1 E1'", "A1' A2 B1= B1' C1"),
    "split, then augment": ("A1 A1' B1 B1' D1 D1' E1 E1'", "A2 B1= C1"),
    "clean, split, augment": ("A1 A1' B1 B1' D1 D1' E1 E1'", "A2 C1"),
    "clean, split by lesion, augment": ("A1 A1' A2 A2' B1 B1' D1 D1'", "C1 E1"),
}


def mean(runs: Sequence[Mapping[str, Any]], who: str, measure: str = "balanced_accuracy") -> dict[str, float]:
    """Averages figures and the ends of their intervals over seeds: value, low, high."""
    figures = [run[f"{who} says"][measure] for run in runs]
    return {key: sum(figure[key] for figure in figures) / len(figures) for key in ("value", "low", "high")}


def by_protocol(report: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Gathers the runs of each protocol, in order."""
    runs = defaultdict(list)
    for run in report["runs"]:
        runs[run["protocol"]].append(run)
    return dict(runs)


def draw_figures(report: Mapping[str, Any]) -> Figure:
    """Draws for each protocol what its validation says and what the honest test says."""
    runs = by_protocol(report)
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    for row, of in enumerate(runs.values()):
        says, honest = mean(of, "validation"), mean(of, "honest test")
        for figures, colour, shift, name in (
            (says, SAYS, -0.13, "its own validation part says"),
            (honest, HONEST, 0.13, "the honest test part says"),
        ):
            axes.plot(
                [figures["low"], figures["high"]], [row + shift] * 2, color=colour, lw=2.5, solid_capstyle="round"
            )
            label = name if row == 0 else None
            axes.plot(figures["value"], row + shift, "o", color=colour, ms=9, label=label)
            axes.annotate(
                f"{figures['value']:.2f}",
                (figures["high"], row + shift),
                (7, 0),
                textcoords="offset points",
                va="center",
                color=colour,
                fontsize=10,
                fontweight="bold",
            )
        gap = says["value"] - honest["value"]
        axes.text(1.06, row, f"{gap:+.2f}", va="center", ha="left", fontsize=12, fontweight="bold")
    axes.text(1.06, -0.62, "too high by", ha="left", fontsize=9)
    axes.set_yticks(range(len(runs)), [f"{name}\n{_seen(of)}" for name, of in runs.items()])
    axes.set(
        xlim=(0, 1), ylim=(len(runs) - 0.5, -0.5), xlabel=f"balanced accuracy over {len(report['evaluated'])} classes"
    )
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def _seen(runs: Sequence[Mapping[str, Any]]) -> str:
    return f"{_share(runs, 'validation'):.0%} of validation seen in training"


def _share(runs: Sequence[Mapping[str, Any]], part: str) -> float:
    """Gives the share of a part's files whose photograph or lesion training shows too."""
    return sum(run[part]["seen in training"]["any"] for run in runs) / sum(run[part]["files"] for run in runs)


def draw_protocols() -> Figure:
    """Draws what lies on which side: a letter is a lesion, and what both sides show is framed."""
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
        "letter: lesion      number: photograph of it      =: copy of a file      ': augmented, drawn tilted\n"
        "red frame: its lesion is in training too",
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


def table(report: Mapping[str, Any]) -> str:
    """Spells the figures as Markdown."""
    lines = [
        "| protocol | validation seen in training | its validation says | the honest test says | too high by |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, runs in by_protocol(report).items():
        says, honest = mean(runs, "validation"), mean(runs, "honest test")
        cells = [f"{f['value']:.3f} ({f['low']:.3f} to {f['high']:.3f})" for f in (says, honest)]
        gap = says["value"] - honest["value"]
        lines.append(f"| {name} | {_share(runs, 'validation'):.0%} | {' | '.join(cells)} | {gap:+.3f} |")
    lines += [
        "",
        "| protocol | plain accuracy, validation | published Test | of it seen in training |",
        "|---|---:|---:|---:|",
    ]
    for name, runs in by_protocol(report).items():
        accuracy = mean(runs, "validation", "accuracy")["value"]
        published = mean(runs, "published test")
        cells = f"{accuracy:.3f} | {published['value']:.3f} ({published['low']:.3f} to {published['high']:.3f})"
        lines.append(f"| {name} | {cells} | {_share(runs, 'published'):.0%} |")
    return "\n".join(lines)


def main() -> None:
    """Draws both pictures and prints the tables."""
    report = json.loads(RESULTS.read_text())
    IMAGES.mkdir(exist_ok=True)
    for name, figure in (("leakage.png", draw_figures(report)), ("leakage-protocols.png", draw_protocols())):
        figure.savefig(IMAGES / name, dpi=110)
    print(table(report))


if __name__ == "__main__":
    main()
