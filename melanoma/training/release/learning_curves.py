"""Pictures of a training."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from melanoma.training.fitting.monitoring import History
from melanoma.training.png import to_png


def draw_curves(history: History) -> bytes:
    """Draws loss and accuracy of both parts over the epochs.

    Returns:
        A PNG file.
    """
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    epochs = range(1, len(history) + 1)
    titles = {"loss": "loss", "accuracy": "accuracy"}
    for axes, (name, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        axes.plot(
            epochs, [row[name] for row in history], marker=".", label="training, drawn and changed for each epoch"
        )
        axes.plot(epochs, [row[f"val_{name}"] for row in history], marker=".", label="validation, classes count alike")
        for place in _growths(history):
            axes.axvline(place, color="0.7", linestyle=":", linewidth=1)
        axes.set(xlabel="epoch", ylabel=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize="small")
    return to_png(figure)


def _growths(history: History) -> list[float]:
    """Gives the places at which training went on with larger pictures."""
    sizes = [row["size"] for row in history]
    return [number + 0.5 for number in range(1, len(sizes)) if sizes[number] != sizes[number - 1]]
