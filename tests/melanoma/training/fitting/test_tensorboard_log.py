"""The log for TensorBoard, read back with TensorFlow's own reader: every epoch is in it once, resumed or not."""

from pathlib import Path

import pytest
import tensorflow as tf

from melanoma.errors import NothingCommittedError
from melanoma.training.fitting.monitoring import History
from melanoma.training.fitting.tensorboard_log import EVENTS, TensorBoardLogs

TAGS = {
    *("loss/training", "loss/validation", "accuracy/training", "balanced_accuracy/validation"),
    *("schedule/learning_rate", "schedule/image_size", "schedule/seconds"),
}


def history(epochs: int) -> History:
    rows = [
        {"size": 64.0, "accuracy": 0.5, "loss": 2.0 - number, "val_loss": 1.5, "val_accuracy": 0.25, "seconds": 100.0}
        for number in range(epochs)
    ]
    return [row | {"learning_rate": 0.125 / number} for number, row in enumerate(rows, 1)]


def read(folder: Path) -> list[tuple[int, float, dict[str, float]]]:
    """Returns step, time and values of every event with values."""
    events = list(tf.compat.v1.train.summary_iterator(str(folder / EVENTS)))
    assert events[0].file_version == "brain.Event:2"
    return [
        (event.step, event.wall_time, {value.tag: value.simple_value for value in event.summary.value})
        for event in events[1:]
    ]


def test_every_epoch_is_readable_while_the_training_goes_on(tmp_path: Path) -> None:
    logs = TensorBoardLogs(tmp_path)
    for epochs in (1, 2):
        logs.write(0, history(epochs))
        assert [step for step, _, _ in read(tmp_path)] == list(range(1, epochs + 1))
    (_, _, first), (_, _, second) = read(tmp_path)
    assert first.keys() == TAGS
    assert (second["loss/training"], second["schedule/learning_rate"]) == (1.0, 0.0625)
    assert (second["balanced_accuracy/validation"], second["schedule/image_size"]) == (0.25, 64.0)


def test_a_resumed_training_has_no_epoch_twice(tmp_path: Path) -> None:
    killed = TensorBoardLogs(tmp_path)
    for epochs in (1, 2, 3):  # the third was logged, but killed before its checkpoint
        killed.write(0, history(epochs))
    resumed = TensorBoardLogs(tmp_path)
    for epochs in (3, 4):
        resumed.write(0, history(epochs))
    found = read(tmp_path)
    assert [step for step, _, _ in found] == [1, 2, 3, 4]
    times = [time for _, time, _ in found]
    assert times[1] - times[0] == pytest.approx(100, abs=1) and times[2] - times[1] == pytest.approx(100, abs=1)


def test_teachers_have_logs_of_their_own(tmp_path: Path) -> None:
    logs = TensorBoardLogs(tmp_path)
    logs.write(1, history(1))
    logs.write(2, history(2))
    logs.write(0, history(3))
    assert [len(read(tmp_path / name)) for name in ("teacher-1", "teacher-2", ".")] == [1, 2, 3]


def test_epochs_of_an_earlier_version_have_no_learning_rate(tmp_path: Path) -> None:
    (row,) = history(1)
    del row["learning_rate"]
    TensorBoardLogs(tmp_path).write(0, [row])
    ((_, _, values),) = read(tmp_path)
    assert values.keys() == TAGS - {"schedule/learning_rate"}


def test_a_log_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / EVENTS).mkdir()
    with pytest.raises(NothingCommittedError, match="the TensorBoard log cannot be written"):
        TensorBoardLogs(tmp_path).write(0, history(1))
