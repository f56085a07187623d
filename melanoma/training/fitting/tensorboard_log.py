"""The metrics of every epoch as a file that TensorBoard reads.

The file is written with TensorFlow's record writer and messages alone: `tf.summary` would need the package tensorboard,
and would take the memory of a GPU that another backend is using.
"""

import time
from pathlib import Path
from typing import Any

import tensorflow as tf

from melanoma.errors import NothingCommittedError
from melanoma.training.fitting.monitoring import History

EVENTS = "events.out.tfevents.melanoma"  # TensorBoard reads every file with `tfevents` in its name
_FIRST = "brain.Event:2"  # the version that begins every such file
_TAGS = {
    "loss": "loss/training",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "val_accuracy": "balanced_accuracy/validation",
    "learning_rate": "schedule/learning_rate",
    "size": "schedule/image_size",
    "seconds": "schedule/seconds",
}


class TensorBoardLogs:
    """The logs of a training: its network's in a folder, and those of its teachers in subfolders."""

    def __init__(self, folder: Path) -> None:
        """Takes a local folder; writes nothing yet."""
        self._folder = folder
        self._logs: dict[int, TensorBoardLog] = {}

    def write(self, teacher: int, history: History) -> None:
        """Adds the epochs that are not in the log of a network yet.

        Args:
            teacher: Number of the teacher, counted from 1; 0 for the network itself.
            history: Metrics of all its epochs so far.

        Raises:
            NothingCommittedError: The log cannot be written.
        """
        folder = self._folder / f"teacher-{teacher}" if teacher else self._folder
        self._logs.setdefault(teacher, TensorBoardLog(folder)).write(history)


class TensorBoardLog:
    """The log of one network in a folder; steps are epochs, counted from 1."""

    def __init__(self, folder: Path) -> None:
        """Takes a local folder; writes nothing yet."""
        self._path = folder / EVENTS
        self._writer: Any = None
        self._written = 0

    def write(self, history: History) -> None:
        """Adds the epochs that are not in the log yet.

        The first call replaces the log of an interrupted training with all epochs so far, so that none is in it twice.

        Args:
            history: Metrics of all epochs so far.

        Raises:
            NothingCommittedError: The log cannot be written.
        """
        try:
            if self._writer is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = tf.io.TFRecordWriter(str(self._path))
                self._add(tf.compat.v1.Event(wall_time=time.time(), file_version=_FIRST))
            for number in range(self._written, len(history)):
                self._add(_event(history, number))
            self._writer.flush()
        except tf.errors.OpError as error:
            raise NothingCommittedError(
                f"{self._path}: the TensorBoard log cannot be written ({type(error).__name__}); fix that, and continue "
                "with --resume"
            ) from None
        self._written = len(history)

    def _add(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())


def _event(history: History, number: int) -> Any:
    """Returns the metrics of an epoch, counted from 0; it ended as long ago as the later ones took."""
    ended = time.time() - sum(row["seconds"] for row in history[number + 1 :])
    row = history[number]
    values = [tf.compat.v1.Summary.Value(tag=tag, simple_value=row[name]) for name, tag in _TAGS.items() if name in row]
    return tf.compat.v1.Event(wall_time=ended, step=number + 1, summary=tf.compat.v1.Summary(value=values))
