"""The progress of a training: a bar within an epoch on a terminal, and one line per epoch everywhere."""

import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from melanoma.training.fitting.steps import Step
    from melanoma.training.release.training_run import Progress


class ProgressPrinter:
    """Prints epochs to standard output, and draws the bar on the error stream if that is a terminal.

    Attributes:
        has_bar: Whether it draws the bar, so that steps need not be reported otherwise.
    """

    def __init__(self, *, quiet: bool) -> None:
        """Prints nothing if `quiet`."""
        self._quiet = quiet
        self.has_bar = not quiet and sys.stderr.isatty()
        self._bar: tqdm[None] | None = None

    def on_step(self, step: "Step") -> None:
        """Draws a new bar when an epoch begins, and moves it after each step."""
        if step.done == 0 or self._bar is None:
            self.close()
            name = f"epoch {step.epoch} of {step.epochs}"
            self._bar = tqdm(total=step.total, desc=name, unit="step", leave=False, dynamic_ncols=True)
        self._bar.update(step.done - self._bar.n)
        if step.done:
            self._bar.set_postfix_str(f"loss {step.loss:.3f}", refresh=False)

    def on_epoch(self, progress: "Progress") -> None:
        """Removes the bar, and prints the metrics of the epoch and the remaining time."""
        self.close()
        if not self._quiet:
            print(epoch_line(progress), flush=True)

    def close(self) -> None:
        """Removes the bar, if there is one, so that an error message gets a line of its own."""
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def epoch_line(progress: "Progress") -> str:
    """Returns the metrics of the last epoch and the remaining time of this network, as one line."""
    last, done, total = progress.history[-1], len(progress.history), progress.total_epochs
    return (
        f"{progress.role and progress.role + ', '}epoch {done:>{len(str(total))}} of {total}: "
        f"{last['size']:.0f} pixels, loss {last['loss']:.3f}, validation loss {last['val_loss']:.3f}, "
        f"validation balanced accuracy {last['val_accuracy']:.3f}; {_time_left(total - done, last['seconds'])}"
    )


def _time_left(epochs: int, seconds: float) -> str:
    """Returns the remaining time if each epoch takes as long as the last one; later epochs may take longer."""
    if not epochs:
        return "trained"
    minutes = epochs * seconds / 60
    if minutes < 1:
        return "less than a minute left"
    whole = f"{minutes:.0f}"
    return f"at least {whole} minute{'' if whole == '1' else 's'} left"
