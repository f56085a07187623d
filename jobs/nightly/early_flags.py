"""The few flags that say where a nightly run is told, read before anything is checked.

A wrong command line or settings file ends the start of a nightly run like any other error, so somebody must hear of it.
These flags are read from what can still be read; what is wrong with them is left to the real parser.
"""

import argparse
import datetime
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from jobs.console import config_file
from jobs.console.lines import JSON
from jobs.nightly.destination import Destination
from melanoma.shards import Shard

_NAMES = ("output", "metrics-file", "notify-command", "run-date", "log-format", "shard", "config")
_SWITCHES = ("quiet", "dry-run")


@dataclass(frozen=True)
class EarlyFlags:
    """What a command line says about telling, as far as it can be read.

    Attributes:
        destination: Where the run is told.
        is_json: Whether lines are JSON.
        is_quiet: Whether only warnings and errors are written.
        is_dry_run: Whether nobody is told.
    """

    destination: Destination
    is_json: bool = False
    is_quiet: bool = False
    is_dry_run: bool = False


class _UnreadableError(Exception):
    """The words cannot be split into flags."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UnreadableError(message)


def read(words: Sequence[str]) -> EarlyFlags:
    """Reads the flags from the words of a command line and from the settings file that they name; never fails."""
    typed = _typed(words)
    settings = _settings(typed.get("config")) | typed
    bundles = settings.get("bundle", [])
    return EarlyFlags(
        Destination(
            output=_text(settings.get("output")),
            bundle=tuple(map(str, bundles if isinstance(bundles, list) else [bundles])),
            run_date=_date(settings.get("run-date")),
            metrics_file=_text(settings.get("metrics-file")),
            notify_command=_text(settings.get("notify-command")),
            shard=_shard(settings.get("shard")),
        ),
        is_json=settings.get("log-format") == JSON,
        is_quiet=settings.get("quiet") is True,
        is_dry_run=settings.get("dry-run") is True,
    )


def _typed(words: Sequence[str]) -> dict[str, Any]:
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for name in _NAMES:
        parser.add_argument(*(["-o"] if name == "output" else []), f"--{name}")
    for name in _SWITCHES:
        parser.add_argument(*(["-q"] if name == "quiet" else []), f"--{name}", action="store_true")
    parser.add_argument("--bundle", action="append")
    own = words[: words.index("--")] if "--" in words else words
    try:
        found, _ = parser.parse_known_args(list(own))
    except _UnreadableError:
        return {}
    return {name.replace("_", "-"): value for name, value in vars(found).items()}


def _settings(path: object) -> dict[str, Any]:
    """Returns the settings of a file, or of its lines that can be read by themselves."""
    if not isinstance(path, str):
        return {}
    try:
        text = config_file.content_of(path).decode("utf-8", errors="replace")
    except (OSError, ValueError):
        return {}
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {name: value for line in text.splitlines() for name, value in _setting(line).items()}


def _setting(line: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _shard(value: object) -> Shard | None:
    try:
        return Shard.parsed(str(value))
    except ValueError:
        return None


def _date(value: object) -> datetime.date | None:
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        return None
