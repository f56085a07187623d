"""Lines for the operator: one a warning, without control characters, and harmless where nobody reads them."""

import io
import sys

import pytest

from jobs.console.lines import report_progress, say, show_fault, warn


class GoneReader(io.StringIO):
    """A stream whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_text_goes_to_standard_output_and_warnings_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("Run r\n  counts 3")
    warn(["one", "two"])
    assert capsys.readouterr() == ("Run r\n  counts 3\n", "melanoma: warning: one\nmelanoma: warning: two\n")


def test_a_warning_cannot_move_the_cursor_or_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    warn(["/in\x1b[2J\nmelanoma: all well"])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("melanoma: warning: /in") and "\x1b" not in line


def test_a_text_from_elsewhere_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """A summary shows the licence of a bundle, and a traceback the text of any error."""
    say("Run r\n  licence   \x1b[2J\x1b]52;c;cm0=\x07All is well \u202egpj \x9b31m")
    report_progress("a\x1bb")
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        show_fault()
    out, err = capsys.readouterr()
    assert out.startswith("Run r\n  licence   ") and "All is well" in out and "ValueError" in err
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(out + err)


def test_a_run_goes_on_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", GoneReader())
    monkeypatch.setattr(sys, "stderr", GoneReader())
    say("Run r")
    warn(["one"])
