"""Whether the operator would be told: the notification command and the metrics file are checked beforehand."""

import sys
from pathlib import Path

import pytest

from melanoma.errors import UsageError
from melanoma.operations import delivery_checks
from melanoma.operations.checks import Result
from melanoma.operations.delivery_checks import check_command, check_metrics, metrics_fault, require_command


@pytest.mark.parametrize("command", ["", "  ", "'", 'notify "x'])
def test_a_command_that_is_not_one_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match=r"--notify-command .* is not a command"):
        require_command(command)


def test_a_program_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "notify.sh"
    script.write_text("#!/bin/sh\n")
    for command in ("/absent/program", f"{script} x", str(tmp_path), "no-such-program-anywhere"):
        with pytest.raises(UsageError, match=r"is not there or not executable; check its path, or allow it with chmod"):
            require_command(command)
    script.chmod(0o755)
    require_command(f"{script} x")


def test_a_command_or_none_is_accepted() -> None:
    require_command(None)
    require_command("/usr/bin/env 'two words'")


def test_a_command_is_run_only_on_request(tmp_path: Path) -> None:
    script = tmp_path / "note.py"
    script.write_text(f"import sys; open({str(tmp_path / 'notes')!r}, 'a').write(sys.argv[-1])")
    command = f"{sys.executable} {script}"
    assert check_command(command, is_tried=False).result is Result.PASS and not (tmp_path / "notes").exists()
    assert check_command(command, is_tried=True).result is Result.PASS
    assert (tmp_path / "notes").read_text().startswith("TEST melanoma doctor tries this command")


def test_a_command_that_fails_or_hangs_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_command(f"{sys.executable} -c 'raise SystemExit(4)'", is_tried=True)
    assert (found.result, found.found) == (Result.FAIL, "the command ended with exit code 4")
    monkeypatch.setattr(delivery_checks, "_TEST_SECONDS", 0.2)
    found = check_command(f"{sys.executable} -c 'import time; time.sleep(60)'", is_tried=True)
    assert (found.result, found.found) == (Result.FAIL, "the command did not finish within 0.2 seconds")


def test_a_metrics_file_that_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    assert metrics_fault(None) == metrics_fault(str(tmp_path / "m.prom")) == ""
    assert check_metrics(str(tmp_path / "m.prom")).result is Result.PASS
    assert list(tmp_path.iterdir()) == []


def test_a_metrics_file_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (str(tmp_path / "folder"), "/sys/melanoma/m.prom"):
        found = check_metrics(path)
        assert found.result is Result.WARN and found.found.startswith(f"--metrics-file {path} cannot be written: ")
