"""The parser of every command: one line for a mistake, the nearest name, and no file name in it.

A shell expands `--images /archive/*.jpg` before the program sees it, and names of files may be names of patients. So a
message never repeats a word that may be a file's name.
"""

import argparse
import difflib
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from melanoma.errors import UsageError

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_HINT = "; if the shell expanded a pattern, put quotes around it: '/archive/*.jpg'"
_MAX_WORDS = 3
# An empty word would stand for the folder in which the command runs, or for "no model given".
_PLACES = frozenset(("BUNDLE", "DATA", "FILE", "FOLDER", "IMAGES", "NAME_OR_FOLDER", "NEW", "OLD", "TABLE", "URI"))
_NAMES = frozenset(("NAME_OR_ID", "RUN_ID"))


class Parser(argparse.ArgumentParser):
    """Reports a usage error like every other error: one line, exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses words; a positional argument that may be left out may also stand behind flags."""
        parsed, unknown = super().parse_known_args(args, namespace)
        # argparse takes TABLE before the first flag, and decides at once that the argument after it was left out.
        left_out = [
            action.dest
            for action in self._get_positional_actions()
            if action.nargs == argparse.OPTIONAL and getattr(parsed, action.dest, None) is None
        ]
        words = [word for word in unknown if not word.startswith("-")]
        if len(left_out) == len(words) == 1:
            setattr(parsed, left_out[0], words[0])
            unknown.remove(words[0])
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Raises the message without file names."""
        hidden = _QUOTED.sub(lambda quoted: _hidden(quoted.group()), message)
        self._raise(hidden + (_HINT if hidden != message else ""))

    def reject(self, unknown: Sequence[str]) -> NoReturn:
        """Raises an error about words that no argument takes."""
        names = [word.partition("=")[0] for word in unknown]
        flags = [name for name in names if name.startswith("-") and not may_name_a_file(name)]
        others = [name for name in names if name not in flags]
        if len(others) > _MAX_WORDS or any(map(may_name_a_file, others)):
            shown = " ".join([*flags, f"({len(others)} more, not repeated here)"])
            self._raise(f"unrecognized arguments: {shown}{self._nearest(flags)}{_HINT}")
        self._raise(f"unrecognized arguments: {' '.join([*flags, *others])}{self._nearest(flags)}")

    def _raise(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")

    def _nearest(self, flags: Sequence[str]) -> str:
        return next((near for flag in flags if (near := did_you_mean(flag, self._option_string_actions))), "")

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.metavar in _PLACES | _NAMES and any(not word.strip() for word in arg_strings):
            raise argparse.ArgumentError(action, "an empty word names nothing; is a variable of the shell not set?")
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            raise argparse.ArgumentError(
                action, error.message + did_you_mean(str(value), action.choices or ())
            ) from None


def did_you_mean(word: str, known: Iterable[Any]) -> str:
    """Returns a clause that names the known word nearest to a mistyped one; empty if none is near."""
    names = {str(name).lstrip("-"): str(name) for name in known}
    near = difflib.get_close_matches(word.lstrip("-").lower(), names, 1, cutoff=0.7)
    return f"; did you mean {names[near[0]]}?" if near else ""


def may_name_a_file(word: str) -> bool:
    """Tells whether a word may be the name of a file: it has a slash or an extension, or there is such a file.

    Two short numbers with a slash between them, such as 1/4, are none unless there is such a file.
    """
    has_slash = "/" in word and not re.fullmatch(r"\d{1,4}/\d{1,4}", word)
    return has_slash or bool(re.search(r"\.[A-Za-z]\w*$", word)) or os.path.lexists(word)


def _hidden(quoted: str) -> str:
    return "a file name" if may_name_a_file(quoted[1:-1]) else quoted
