"""Checks that the operator will be told: the notification command, and the folder of the metrics file."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import uuid

from melanoma import storage
from melanoma.errors import MelanomaError, PhotographError, UsageError
from melanoma.operations.checks import Check, Result

_TEST_LINE = "TEST melanoma doctor tries this command; nothing has happened"
_TEST_SECONDS = 60.0


def require_command(command: str | None) -> None:
    """Checks that the program of `--notify-command` can be started; does not start it.

    Args:
        command: The flag's value; None where it was not given.

    Raises:
        UsageError: The command cannot be split into words, or its program is not there or not executable.
    """
    if command is None:
        return
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("it is empty")
    except ValueError as error:
        raise UsageError(f"--notify-command {command!r} is not a command ({error}); check its quotes") from None
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"--notify-command: {words[0]} is not there or not executable; check its path, or allow it with chmod +x"
        )


def run_command(command: str, line: str, seconds: float) -> int:
    """Runs the notification command, without a shell, and returns its exit code.

    Args:
        command: Value of `--notify-command`.
        line: Its last argument.
        seconds: Time for it.

    Raises:
        OSError: It cannot be started.
        ValueError: It cannot be split into words.
        TimeoutExpired: It took too long, and was killed with all that it had started, such as a script's `curl`.
    """
    process = subprocess.Popen([*shlex.split(command), line], start_new_session=True)  # noqa: S603
    try:
        return process.wait(seconds)
    except BaseException:  # a signal leaves nothing behind either
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def metrics_fault(path: str | None) -> str:
    """Returns why the metrics file cannot be written; empty if it can, or if there is none.

    Writes another file beside it and removes that again: whoever collects the metrics must not see an empty file.

    Args:
        path: URI or path of the file; None where the flag was not given.
    """
    if path is None:
        return ""
    try:
        uri = storage.file_target(path)
        folder, _, name = uri.rpartition("/")
        probe = storage.join(folder, f".{name}-{uuid.uuid4().hex[:8]}")
        storage.write_bytes(probe, b"")
        storage.remove(probe)
    except (MelanomaError, PhotographError) as error:
        return f"--metrics-file {path} cannot be written: {str(error).rpartition('cannot be written: ')[2]}"
    return ""


def check_command(command: str, is_tried: bool) -> Check:
    """Checks the notification command.

    Args:
        command: Value of `--notify-command`.
        is_tried: Whether to run it with a line that says so.
    """
    require_command(command)
    if not is_tried:
        return Check("notification", Result.PASS, "the command is there; --try-notify runs it")
    try:
        code = run_command(command, _TEST_LINE, _TEST_SECONDS)
    except subprocess.TimeoutExpired:
        found = f"the command did not finish within {_TEST_SECONDS:g} seconds"
        return Check("notification", Result.FAIL, found, "run it by hand with a line as its last argument")
    if code:
        found = f"the command ended with exit code {code}"
        return Check("notification", Result.FAIL, found, "run it by hand with a line as its last argument")
    return Check("notification", Result.PASS, "the command ran; look whether its message has arrived")


def check_metrics(path: str) -> Check:
    """Checks whether the metrics file can be written."""
    if fault := metrics_fault(path):
        return Check("metrics", Result.WARN, fault, "fix the permissions of the folder, or give another --metrics-file")
    return Check("metrics", Result.PASS, "the folder of the metrics file is writable")
