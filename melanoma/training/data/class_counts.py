"""Pictures what drawing classes alike does to the training part: its counts before and after."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from melanoma.labels import name_of
from melanoma.training.data.sampling import draw
from melanoma.training.png import png_of

_BEFORE, _AFTER = "#9aa5b1", "#0b6e8f"
_ROW_INCHES = 0.5


def epoch_counts(before: Mapping[str, int], balance: float, max_repeats: int = 6) -> dict[str, int]:
    """Counts the photographs of each class in an epoch that is as long as the training part.

    Args:
        before: Photographs of the training part by label.
        balance: See `sampling.class_shares`.
        max_repeats: Times that one photograph may come up.
    """
    labels = list(before)
    members = np.repeat(np.arange(len(labels)), list(before.values()))
    drawn = members[draw(members, (0, 0), len(members), balance, max_repeats)]
    return dict(zip(labels, np.bincount(drawn, minlength=len(labels)).tolist(), strict=True))


def draw_counts(before: Mapping[str, int], after: Mapping[str, int], balanced: str = "as an epoch draws it") -> bytes:
    """Draws how many photographs each class has in the training part, and how many once classes are balanced.

    Args:
        before: Photographs of the training part by label.
        after: The same once balanced, such as those that an epoch draws; a label without any may be missing.
        balanced: What `after` is, for people.

    Returns:
        A PNG file, the most frequent class on top.
    """
    labels = sorted(before, key=lambda label: (before[label], label))
    counts = {"as it is": before, balanced: after}
    figure = Figure(figsize=(8, 1.4 + _ROW_INCHES * len(labels)), layout="constrained")
    axes = figure.subplots()
    for place, (name, count_of), colour in zip((0.2, -0.2), counts.items(), (_BEFORE, _AFTER), strict=True):
        lengths = [count_of.get(label, 0) for label in labels]
        bars = axes.barh([row + place for row in range(len(labels))], lengths, 0.38, color=colour)
        axes.bar_label(bars, [f"{length:,}" for length in lengths], padding=3, fontsize=8)
        bars.set_label(f"{name}: {sum(lengths):,} photographs, largest class {_ratio(lengths)} times the smallest")
    axes.set_yticks(range(len(labels)), [name_of(label) for label in labels])
    axes.set_xlabel("photographs of the training part")
    axes.margins(x=0.1, y=0.02)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper left", frameon=False, fontsize=9)
    return png_of(figure)


def _ratio(counts: list[int]) -> str:
    present = [count for count in counts if count]
    return f"{max(present) / min(present):.1f}" if present else "0"
