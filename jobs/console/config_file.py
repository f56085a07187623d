"""A night's flags from a TOML file: the same names, the same checks, and what stands on the command line wins."""

import argparse
import datetime
import difflib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from melanoma.errors import UsageError

FLAG = "--config"
_BEAM = "beam-options"
Words = list[str]


def expand(
    words: Sequence[str],
    beam_options: Sequence[str],
    parser: argparse.ArgumentParser,
    others: Collection[str] = (),
) -> tuple[Words, Words]:
    """Puts the settings of the file that `--config` names in front of the words of the command line.

    Args:
        words: Of the command, its name first.
        beam_options: Words after `--`.
        parser: Of the command; knows its flags.
        others: Flags of another command that the file may be for; those are skipped.

    Returns:
        Words and options of Beam with the file's settings; those that the command line gives too are left out.

    Raises:
        UsageError: The file is not there, is no TOML, or has a setting that no flag knows or that cannot be one.
    """
    if (path := _named(words)) is None:
        return list(words), list(beam_options)
    settings = _read(path)
    beam = settings.pop(_BEAM, [])
    if not (isinstance(beam, list) and all(isinstance(word, str) for word in beam)):
        raise UsageError(f'{path}: {_BEAM} must be a list of texts, such as ["--runner=FlinkRunner"]')
    flags = parser._option_string_actions
    wanted = {name: value for name, value in settings.items() if f"--{name}" in flags or f"--{name}" not in others}
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    own = [
        word
        for name, value, action in [(name, value, _action(path, name, flags)) for name, value in wanted.items()]
        if f"--{name}" not in given
        for word in _words(path, name, value, action)
    ]
    return [words[0], *own, *words[1:]], list(beam_options or beam)


def _named(words: Sequence[str]) -> str | None:
    for place, word in enumerate(words):
        if word == FLAG:
            return words[place + 1] if place + 1 < len(words) else None
        if word.startswith(f"{FLAG}="):
            return word.partition("=")[2]
    return None


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{FLAG} {path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{FLAG} {path}: is no TOML: {error}") from None


def _action(path: str, name: str, flags: Mapping[str, argparse.Action]) -> argparse.Action:
    known = [flag[2:] for flag in flags if flag.startswith("--") and flag not in (FLAG, "--help")]
    if name not in known:
        near = difflib.get_close_matches(name, [*known, _BEAM], 1)
        raise UsageError(f"{path}: no flag is called {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return flags[f"--{name}"]


def _words(path: str, name: str, value: Any, action: argparse.Action) -> Words:
    """Spells one setting as it would stand on the command line."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {name} is {value!r}; write true or false")
        return [f"--{name}"] if value else []
    is_many = action.nargs == "+" or isinstance(action, argparse._AppendAction)
    values = value if isinstance(value, list) else [value]
    if (isinstance(value, list) and not is_many) or not values:
        raise UsageError(f"{path}: {name} takes {'at least one value' if is_many else 'one value, not a list'}")
    texts = [_text(path, name, one) for one in values]
    return [f"--{name}", *texts] if action.nargs == "+" else [f"--{name}={text}" for text in texts]


def _text(path: str, name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | datetime.date | datetime.time):
        raise UsageError(f"{path}: {name} is {value!r}; write a text, a number or a date")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
