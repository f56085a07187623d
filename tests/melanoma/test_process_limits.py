"""Limits with which no photograph can be scored are refused before a library meets them."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from melanoma.process_limits import check_limits
from tests.helpers import ROOT


def test_the_limits_of_this_process_pass() -> None:
    check_limits()


@pytest.mark.parametrize(
    ("number", "value", "complaint"),
    [
        (resource.RLIMIT_AS, 3 * 2**30, "the address space (ulimit -v) is 3,072 MiB, expected at least 3,584 MiB"),
        (resource.RLIMIT_FSIZE, 2**20, "the size of a file (ulimit -f) is 1 MiB, expected at least 128 MiB"),
        (resource.RLIMIT_NOFILE, 16, "open files (ulimit -n) is 16, expected at least 32"),
    ],
)
@pytest.mark.parametrize("command", ["score", "doctor"])
def test_a_limit_that_is_too_low_is_a_mistake_with_a_remedy(
    tmp_path: Path, command: str, number: int, value: int, complaint: str
) -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "jobs.cli",
            command,
            "--images",
            ".",
            "--bundle",
            "b",
            "--output",
            str(tmp_path / "out"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        preexec_fn=lambda: resource.setrlimit(number, (value, value)),
    )
    assert ended.returncode == 2
    assert ended.stderr == f"melanoma: the limit of {complaint}; raise it, or start without it\n"
    assert not (tmp_path / "out").exists()
