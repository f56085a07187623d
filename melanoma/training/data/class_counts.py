"""Charts of what class balancing does to the training part: photographs per class before and after."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from melanoma.labels import name_of
from melanoma.training.data.sampling import sample_epoch
from melanoma.training.png import to_png

_BEFORE, _AFTER = "#9aa5b1", "#0b6e8f"
_ROW_INCHES = 0.5


def epoch_counts(before: Mapping[str, int], balance: float, max_repeats: int = 6) -> dict[str, int]:
    """Counts the photographs of each class in one epoch as long as the training part.

    Args:
        before: Photographs of the training part by label.
        balance: 0 to 1, see `sampling.class_shares`.
        max_repeats: How often one photograph may occur in an epoch.

    Returns:
        Photographs of the epoch by label.
    """
    labels = list(before)
    members = np.repeat(np.arange(len(labels)), list(before.values()))
    sampled = members[sample_epoch(members, (0, 0), len(members), balance, max_repeats)]
    return dict(zip(labels, np.bincount(sampled, minlength=len(labels)).tolist(), strict=True))


def plot_counts(before: Mapping[str, int], after: Mapping[str, int], description: str = "in one epoch") -> bytes:
    """Plots the photographs per class of the training part before and after balancing.

    Args:
        before: Photographs of the training part by label.
        after: The same after balancing, for example in one epoch; missing labels count as 0.
        description: Legend text for `after`.

    Returns:
        A PNG file with the most frequent class on top.
    """
    labels = sorted(before, key=lambda label: (before[label], label))
    figure = Figure(figsize=(8, 1.4 + _ROW_INCHES * len(labels)), layout="constrained")
    axes = figure.subplots()
    for offset, name, counts, colour in (
        (0.2, "training part", before, _BEFORE),
        (-0.2, description, after, _AFTER),
    ):
        lengths = [counts.get(label, 0) for label in labels]
        bars = axes.barh([row + offset for row in range(len(labels))], lengths, 0.38, color=colour)
        axes.bar_label(bars, [f"{length:,}" for length in lengths], padding=3, fontsize=8)
        bars.set_label(f"{name}: {sum(lengths):,} photographs, largest class {_ratio(lengths)} times the smallest")
    axes.set_yticks(range(len(labels)), [name_of(label) for label in labels])
    axes.set_xlabel("photographs of the training part")
    axes.margins(x=0.1, y=0.02)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", frameon=False, fontsize=9)
    return to_png(figure)


def _ratio(counts: list[int]) -> str:
    """Returns the largest count divided by the smallest that is not 0, as text."""
    present = [count for count in counts if count]
    return f"{max(present) / min(present):.1f}" if present else "0"
