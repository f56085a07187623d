"""Lines for the operator while a run goes on, as text or as JSON. A run does not end because nobody reads them."""

import contextlib
import datetime
import json
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TextIO

from melanoma.redaction import redacted
from melanoma.terminal import printable

TEXT, JSON = "text", "json"
INFO, WARNING, ERROR = "INFO", "WARNING", "ERROR"


@dataclass(frozen=True)
class Style:
    """How lines are written.

    Attributes:
        form: `text`, or `json` for one JSON object a line, all on standard error.
        is_quiet: Whether only warnings and errors are written.
        run_id: Id of the run that goes on; empty where there is none.
        stream: Where JSON goes; None for standard error.
    """

    form: str = TEXT
    is_quiet: bool = False
    run_id: str = ""
    stream: TextIO | None = None


_style = Style()


def use(**changes: object) -> None:
    """Changes how lines are written from now on; takes the attributes of `Style`."""
    global _style
    _style = replace(_style, **changes)  # type: ignore[arg-type]


def reset() -> None:
    """Goes back to text."""
    global _style
    _style = Style()


def is_json() -> bool:
    """Tells whether lines are JSON."""
    return _style.form == JSON


def shows_bar() -> bool:
    """Tells whether a progress bar may be drawn on standard error."""
    return _style.form == TEXT and not _style.is_quiet and sys.stderr.isatty()


def say(text: str, is_needed: bool = False) -> None:
    """Prints text at once: on standard output, unless the lines are JSON.

    Args:
        text: The text.
        is_needed: Whether it is printed with `--quiet` too.
    """
    if is_needed or not _style.is_quiet:
        _write(INFO, text, text, sys.stdout)


def report_progress(text: str) -> None:
    """Prints a line about the progress on standard error."""
    if not _style.is_quiet:
        _write(INFO, text, text, sys.stderr)


def warn(warnings: Iterable[str]) -> None:
    """Prints each warning on its own line of standard error."""
    for warning in warnings:
        _write(WARNING, warning, f"melanoma: warning: {printable(warning)}", sys.stderr)


def complain(text: str, keep: str = "\n") -> None:
    """Prints on standard error why the command ends, or what has to be looked at.

    Args:
        text: The message.
        keep: Control characters to leave in place.
    """
    _write(ERROR, text, f"melanoma: {printable(text, keep)}", sys.stderr)


def show_fault() -> None:
    """Prints the traceback of the exception that is being handled."""
    _write(ERROR, traceback.format_exc(), traceback.format_exc().rstrip("\n"), sys.stderr)


def as_json(level: str, message: str) -> str:
    """Returns a line as a JSON object: UTC time in ISO form, level, message, and the id of the run where there is one.

    Args:
        level: `INFO`, `WARNING` or `ERROR`, or a level of the module logging.
        message: Text, which may have several lines.
    """
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {"time": time, "level": level, "message": printable(message, keep="\n")}
    return json.dumps(document | ({"run_id": _style.run_id} if _style.run_id else {}), ensure_ascii=True)


def _write(level: str, message: str, text: str, stream: TextIO) -> None:
    message, text = redacted(message), redacted(text)
    with contextlib.suppress(OSError):
        if _style.form == JSON:
            print(as_json(level, message), file=_style.stream or sys.stderr, flush=True)
        else:
            print(printable(text, keep="\n\t"), file=stream, flush=True)
