"""Plots of a training."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from melanoma.training.fitting.monitoring import History
from melanoma.training.png import to_png

_TRAINING = "training, sampled and augmented"
_VALIDATION = "validation, classes weighted equally"


def draw_curves(history: History) -> bytes:
    """Plots loss and accuracy of training and validation over the epochs.

    A dotted line marks each change of the image size.

    Returns:
        A PNG file.
    """
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    epochs = range(1, len(history) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[name] for row in history], marker=".", label=_TRAINING)
        axes.plot(epochs, [row[f"val_{name}"] for row in history], marker=".", label=_VALIDATION)
        for position in size_changes(history):
            axes.axvline(position, color="0.7", linestyle=":", linewidth=1)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize="small")
    return to_png(figure)


def size_changes(history: History) -> list[float]:
    """Returns where the image size changes, halfway between two epochs counted from 1."""
    sizes = [row["size"] for row in history]
    return [number + 0.5 for number in range(1, len(sizes)) if sizes[number] != sizes[number - 1]]
