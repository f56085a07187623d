"""The progress of a training: one line per epoch, and on a terminal a bar that leaves nothing behind."""

import fcntl
import math
import os
import pty
import re
import struct
import sys
import termios

import pytest

from jobs.training.progress import ProgressPrinter, epoch_line
from melanoma.training.fitting.steps import Step
from melanoma.training.release.training_run import Progress

ROW = {"size": 128.0, "loss": 1.5, "val_loss": 1.25, "val_accuracy": 0.5, "seconds": 30.0}


def test_a_line_has_the_metrics_and_the_remaining_time() -> None:
    assert epoch_line(Progress("", 21, [ROW])) == (
        "epoch  1 of 21: 128 pixels, loss 1.500, validation loss 1.250, validation balanced accuracy 0.500; "
        "at least 10 minutes left"
    )


@pytest.mark.parametrize(("total", "end"), [(1, "; trained"), (2, "; less than a minute left")])
def test_a_teacher_is_named_and_the_last_epochs_end_the_line(total: int, end: str) -> None:
    line = epoch_line(Progress("teacher 1 of 2 (lite2)", total, [ROW], 1))
    assert line.startswith(f"teacher 1 of 2 (lite2), epoch 1 of {total}: ") and line.endswith(end)


def train_two_epochs(printer: ProgressPrinter) -> None:
    for epoch in (1, 2):
        for done in range(3):
            printer.on_step(Step(epoch, 2, done, 2, math.nan if done == 0 else 0.75))
        printer.on_epoch(Progress("", 2, [ROW] * epoch))


def test_in_a_pipe_there_is_one_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    printer = ProgressPrinter(quiet=False)
    assert not printer.has_bar
    for epoch in (1, 2):
        printer.on_epoch(Progress("", 2, [ROW] * epoch))
    captured = capsys.readouterr()
    assert [line[:12] for line in captured.out.splitlines()] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert captured.err == ""


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    printer = ProgressPrinter(quiet=True)
    printer.on_epoch(Progress("", 2, [ROW]))
    assert not printer.has_bar and capsys.readouterr().out == ""


def test_on_a_terminal_a_bar_is_removed_before_the_line_of_its_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream, monkeypatch.context() as patch:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        patch.setattr(sys, "stderr", stream)
        patch.setattr(sys, "stdout", stream)
        printer = ProgressPrinter(quiet=False)
        assert printer.has_bar
        train_two_epochs(printer)
        stream.flush()
        shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert "epoch 1 of 2:   0%" in shown and "0/2" in shown
    # What is left on each line once it has been overwritten from its beginning.
    left = [line.split("\r")[-1] for line in shown.replace("\r\n", "\n").split("\n")]
    assert [re.match(r"epoch \d of 2: 128 pixels", line) is not None for line in left] == [True, True, False]
    assert left[-1] == ""
