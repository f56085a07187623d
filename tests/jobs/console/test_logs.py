"""What reaches the operator's error stream, and what does not."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jobs.console import logs
from melanoma.errors import ErrorKind, ReadError, UsageError
from tests.helpers import ROOT


@contextlib.contextmanager
def quiet_process() -> Iterator[logging.Logger]:
    """Quiet logs as a new process has them, without the handlers of the test runner; yields the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        logs.quiet()
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_a_warning_is_one_line_with_its_origin(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_process():
        logging.getLogger("some.library").warning("the clock is %d s late", 3)
    assert capsys.readouterr().err == "melanoma: WARNING some.library: the clock is 3 s late\n"


def test_information_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_process():
        logging.getLogger("some.library").info("opened a file")
    assert capsys.readouterr() == ("", "")


def test_the_log_of_libraries_is_shown_on_request_but_not_that_of_stores(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_process():
        logs.verbose()
        logging.getLogger("some.library").info("opened a file")
        logging.getLogger("some.library").debug("a detail")
        logging.getLogger("botocore").info("signed with a secret")
    assert capsys.readouterr().err == "melanoma: INFO some.library: opened a file\n"


@pytest.mark.parametrize("noise", logs._NOISE)
def test_known_noise_is_dropped_and_its_neighbours_are_not(capsys: pytest.CaptureFixture[str], noise: str) -> None:
    with quiet_process():
        logger = logging.getLogger("apache_beam.somewhere")
        logger.warning("before: %s. And after", noise)
        logger.warning("something else")
    err = capsys.readouterr().err
    assert noise not in err and err.endswith(": something else\n") and err.count("\n") == 1


@pytest.mark.parametrize("name", ["botocore", "s3fs", "gcsfs", "adlfs", "azure.core", "google.auth", "urllib3.pool"])
def test_access_tokens_in_debug_lines_are_never_shown(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with quiet_process() as root:
        root.setLevel(logging.DEBUG)
        logging.getLogger(name).debug("Authorization: Bearer secret")
        logging.getLogger("unrelated").debug("a line that shows")
    err = capsys.readouterr().err
    assert "secret" not in err and "a line that shows" in err


def test_a_level_that_the_operator_chose_for_tensorflow_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    monkeypatch.delenv("GRPC_VERBOSITY", raising=False)
    with quiet_process():
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0" and os.environ["GRPC_VERBOSITY"] == "NONE"


def native(body: str) -> subprocess.CompletedProcess[str]:
    """Runs a script that writes past Python to file descriptor 2."""
    script = f"import os\nfrom jobs.console.logs import native_silence\n{body}"
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)


def test_native_output_is_discarded_inside_the_block_only() -> None:
    body = (
        "os.write(2, b'before;')\n"
        "with native_silence():\n    os.write(2, b'inside;')\n    os.write(1, b'out')\n"
        "os.write(2, b'after')"
    )
    ended = native(body)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("out", "before;after", 0)


def test_an_exception_inside_the_block_is_still_shown() -> None:
    ended = native("with native_silence():\n    os.write(2, b'inside')\n    raise ImportError('no such library')")
    assert ended.returncode == 1
    assert "no such library" in ended.stderr and "inside" not in ended.stderr


def test_the_block_leaves_no_file_open() -> None:
    count = "len(os.listdir('/proc/self/fd'))"
    ended = native(f"n = {count}\nfor _ in range(5):\n    with native_silence():\n        pass\nprint({count} - n)")
    assert ended.stdout == "0\n"


@pytest.mark.parametrize("error", [UsageError("/x: moved"), ReadError(ErrorKind.TIMEOUT, "slow")])
def test_the_traceback_of_an_error_that_the_command_tells_is_dropped_unless_asked_for(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail() -> None:
        try:
            raise error
        except Exception:
            logging.getLogger("apache_beam.runners.common").exception("while running")

    with quiet_process():
        fail()
        assert capsys.readouterr().err == ""
        logs.verbose()
        fail()
        assert "Traceback" in capsys.readouterr().err


def test_the_traceback_of_a_defect_in_a_pipeline_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with quiet_process():
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("apache_beam.runners.common").exception("while running")
    assert "Traceback" in capsys.readouterr().err


def test_an_error_in_the_clean_up_of_a_library_is_not_shown_and_quotes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Library:
        def __del__(self) -> None:
            raise ValueError("a cell of a table")

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    logs.quiet()
    Library()
    assert capsys.readouterr().err == ""
