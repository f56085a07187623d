"""SIGTERM before and after scoring ends a command as Ctrl-C does, or is ignored where the work is done."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from jobs.console import sigterm
from jobs.console.sigterm import Terminated, finish, terminable
from tests.helpers import ROOT


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    """Sets the handler of a new process; restores the previous one afterwards."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_signal_ends_the_block_and_its_clean_up_runs() -> None:
    steps = []
    with pytest.raises(Terminated), terminable():
        try:
            signal.raise_signal(signal.SIGTERM)
            steps.append("continued")
        finally:
            steps.append("cleaned up")
    assert steps == ["cleaned up"]


def test_code_that_catches_ctrl_c_catches_the_signal_too() -> None:
    with pytest.raises(KeyboardInterrupt), terminable():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 1)


def test_the_previous_handler_is_restored() -> None:
    received = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    with terminable():
        pass
    signal.raise_signal(signal.SIGTERM)
    assert received == [signal.SIGTERM]


def test_the_previous_handler_is_restored_after_an_error_too() -> None:
    with pytest.raises(ValueError, match="unforeseen"), terminable():
        raise ValueError("unforeseen")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_other_threads_are_not_affected() -> None:
    seen = []

    def work() -> None:
        with terminable():
            seen.append(signal.getsignal(signal.SIGTERM))
        finish()
        seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL, signal.SIG_DFL]


def test_a_finished_run_ignores_the_signal() -> None:
    script = (
        "import signal\nfrom jobs.console.sigterm import finish, terminable\n"
        "with terminable():\n    finish()\n    signal.raise_signal(signal.SIGTERM)\n    print('reported')"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "reported\n")


def test_nothing_heavy_is_imported() -> None:
    script = "import sys, jobs.console.sigterm; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(ended.stdout.split()) & {"numpy", "pyarrow", "fsspec", "deltalake", "apache_beam", "tensorflow"}


def test_a_signal_that_comes_while_it_has_to_wait_acts_afterwards() -> None:
    with sigterm.terminable():
        sigterm.hold()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(sigterm.Terminated):
            sigterm.release()
        sigterm.release()  # once only
        with pytest.raises(sigterm.Terminated):
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("number", "ending"), [(signal.SIGHUP, sigterm.HungUp), (signal.SIGXCPU, sigterm.OutOfProcessorTime)]
)
def test_a_closed_terminal_and_used_up_processor_time_end_it_too(
    number: signal.Signals, ending: type[Terminated]
) -> None:
    with pytest.raises(ending), terminable():
        signal.raise_signal(number)
    with pytest.raises(ending), terminable():
        sigterm.hold()
        signal.raise_signal(number)
        sigterm.release()
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_closed_terminal_is_ignored_below_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with terminable():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
