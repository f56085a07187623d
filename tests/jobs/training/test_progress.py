"""The progress of a training: one line per epoch, and on a terminal a bar that leaves nothing behind."""

import contextlib
import fcntl
import math
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Callable

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


@pytest.mark.parametrize(
    ("total", "end"), [(1, "; trained"), (2, "; less than a minute left"), (3, "; at least 1 minute left")]
)
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


def shown_on_a_terminal(act: Callable[[ProgressPrinter], object]) -> str:
    """Returns what a terminal of 120 columns receives."""
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with os.fdopen(terminal, "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        patch.setattr(sys, "stdout", stream)
        printer = ProgressPrinter(quiet=False)
        assert printer.has_bar
        act(printer)
    shown = bytearray()
    with contextlib.suppress(OSError):  # the end, once everything is read from a terminal that is closed
        while received := os.read(reader, 65536):
            shown += received
    os.close(reader)
    return shown.decode().replace("\r\n", "\n")


def left(shown: str) -> list[str]:
    """Returns what is left on each line once it has been overwritten from its beginning."""
    return [line.split("\r")[-1] for line in shown.split("\n")]


def test_on_a_terminal_a_bar_is_removed_before_the_line_of_its_epoch() -> None:
    shown = shown_on_a_terminal(train_two_epochs)
    assert "epoch 1 of 2:   0%" in shown and "0/2" in shown
    first, second, last = left(shown)
    assert re.match(r"epoch 1 of 2: 128 pixels", first) and re.match(r"epoch 2 of 2: 128 pixels", second)
    assert last == ""


def test_a_training_that_is_stopped_leaves_no_bar() -> None:
    def stop(printer: ProgressPrinter) -> None:
        printer.on_step(Step(1, 2, 0, 2, math.nan))
        printer.close()
        printer.close()

    shown = shown_on_a_terminal(stop)
    assert "epoch 1 of 2:   0%" in shown and left(shown) == [""]
