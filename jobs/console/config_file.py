"""Flags from a TOML file: the same names and checks as on the command line, which wins."""

import argparse
import datetime
import difflib
import os
import stat
import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from melanoma.errors import UsageError

FLAG = "--config"
_BEAM = "beam-options"
_MAX_BYTES = 2**20
_pipes = dict[tuple[int, int], bytes]()


class CommandLine(NamedTuple):
    """A command line in two parts.

    Attributes:
        words: Name of the command and its own words.
        beam_options: Words for Beam.
    """

    words: list[str]
    beam_options: list[str]


def expand(given: CommandLine, parser: argparse.ArgumentParser, flags_of_others: Collection[str] = ()) -> CommandLine:
    """Inserts the settings of the file that `--config` names before the other words of a command line.

    Args:
        given: The command line as it was typed.
        parser: Parser of the command, which knows its flags.
        flags_of_others: Flags of other commands that read the same file; settings for them are skipped.

    Returns:
        The command line with the file's settings, except those that it sets itself.

    Raises:
        UsageError: The file is missing or not TOML, or has a setting with an unknown name or an impossible value.
    """
    if (path := _path_of(given.words)) is None:
        return given
    settings = _read(path)
    beam_options = settings.pop(_BEAM, [])
    if not (isinstance(beam_options, list) and all(isinstance(word, str) for word in beam_options)):
        raise UsageError(f'{path}: {_BEAM} must be a list of strings, for example ["--runner=FlinkRunner"]')
    flags = parser._option_string_actions
    typed = {word.partition("=")[0] for word in given.words if word.startswith("--")}
    inserted = list[str]()
    for name, value in settings.items():
        flag = f"--{name}"
        if flag in flags or flag not in flags_of_others:
            action = _action_of(path, name, flags)
            inserted += [] if flag in typed else _as_words(path, name, value, action, parser)
    command, *words = given.words
    return CommandLine([command, *inserted, *words], given.beam_options or beam_options)


def _path_of(words: Sequence[str]) -> str | None:
    """Returns the value of `--config`, or None without one."""
    for place, word in enumerate(words):
        if word == FLAG:
            return words[place + 1] if place + 1 < len(words) else None
        if word.startswith(f"{FLAG}="):
            return word.partition("=")[2]
    return None


def content_of(path: str) -> bytes:
    """Returns the content of a settings file; a pipe, as the shell makes it for `<(…)`, is read once and kept.

    Raises:
        OSError: It cannot be read.
        ValueError: It is longer than any settings file, such as a device without an end.
    """
    # A named pipe at which nobody writes is empty, instead of waiting for ever.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        os.set_blocking(file.fileno(), True)
        status = os.fstat(file.fileno())
        key = (status.st_dev, status.st_ino)
        content = _pipes.get(key) if stat.S_ISFIFO(status.st_mode) else None
        content = content or file.read(_MAX_BYTES + 1)
    if stat.S_ISFIFO(status.st_mode):
        _pipes[key] = content
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it is longer than {_MAX_BYTES:,} bytes")
    return content


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content_of(path).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{FLAG} {path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # what is wrong with TOML or UTF-8 is one, too
        raise UsageError(f"{FLAG} {path}: is not valid TOML: {error}") from None


def _action_of(path: str, name: str, flags: Mapping[str, argparse.Action]) -> argparse.Action:
    known = [flag[2:] for flag in flags if flag.startswith("--") and flag not in (FLAG, "--help")]
    if name not in known:
        near = difflib.get_close_matches(name, [*known, _BEAM], 1)
        raise UsageError(f"{path}: there is no flag {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return flags[f"--{name}"]


def _as_words(path: str, name: str, value: Any, action: argparse.Action, parser: argparse.ArgumentParser) -> list[str]:
    """Returns one setting as it would be typed on the command line."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {name} is {value!r}; write true or false")
        return [f"--{name}"] if value else []
    is_many = action.nargs == "+" or isinstance(action, argparse._AppendAction)
    values = value if isinstance(value, list) else [value]
    if (isinstance(value, list) and not is_many) or not values:
        raise UsageError(f"{path}: {name} takes {'at least one value' if is_many else 'one value, not a list'}")
    texts = [_as_text(path, name, one) for one in values]
    for text in texts:
        _check(path, name, text, action, parser)
    return [f"--{name}", *texts] if action.nargs == "+" else [f"--{name}={text}" for text in texts]


def _check(path: str, name: str, text: str, action: argparse.Action, parser: argparse.ArgumentParser) -> None:
    """Checks a value as the command line would, which could not say that it comes from the file."""
    try:
        parser._check_value(action, parser._get_value(action, text))
    except argparse.ArgumentError as error:
        raise UsageError(f"{path}: {name}: {error.message}") from None


def _as_text(path: str, name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | datetime.date | datetime.time):
        raise UsageError(f"{path}: {name} is {value!r}; write a string, a number or a date")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
