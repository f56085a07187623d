"""Types of flag values: each parses one word, and says in one line what it found and what it expected."""

import argparse
import datetime
import math
import re

from melanoma.shards import MAX_SHARDS, Shard


def whole(text: str, least: int = 1) -> int:
    """Returns a whole number of at least `least`."""
    if not (text.isdecimal() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)


def digest(text: str) -> str:
    """Returns a sha256 as 64 hex digits in lower case."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r:.80} is not a digest; write the 64 hex digits that melanoma bundle inspect prints"
        )
    return text.lower()


def size(text: str, least: int = 1) -> tuple[int, int]:
    """Returns the height and width in pixels of `HxW`, each at least `least`."""
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and min(int(height), int(width)) >= least):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size; write height x width, each at least {least}, for example 224x224"
        )
    return int(height), int(width)


def share(text: str) -> float:
    """Returns a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be between 0 and 1, for example 0.05")
    return value


def _number_or_word(text: str) -> str:
    """Returns what was given for a shard; not a word, which may be the name of a photograph."""
    return repr(text) if re.fullmatch(r"\d{0,4}|\d{1,4}/\d{1,4}", text) else "this word"


def shard(text: str) -> Shard:
    """Returns the shard of `1/4`, which is the first of four."""
    try:
        return Shard.parsed(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{_number_or_word(text)} is not a shard; write its number and how many there are, at most {MAX_SHARDS:,}: "
            "1/4 is the first of four"
        ) from None


def sentence(text: str) -> str:
    """Returns text with at least one letter."""
    if not any(map(str.isalpha, text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a sentence; write it in quotes")
    return text


def positive(text: str) -> float:
    """Returns a finite number of more than 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, for example 0.2")
    return value


def date(text: str) -> datetime.date:
    """Returns the date of `YYYY-MM-DD`."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write YYYY-MM-DD") from None


def clock(text: str) -> datetime.time:
    """Returns the time of day of `HH:MM` or `HH:MM:SS`."""
    try:
        return datetime.datetime.strptime(text, "%H:%M" if text.count(":") == 1 else "%H:%M:%S").time()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time of day; write HH:MM") from None


def duration(text: str) -> datetime.timedelta:
    """Returns the length of time of hours, minutes and seconds, such as `3h30m`, `90m` or `45s`."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if found is None or not any(found.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time; write for example 3h30m, 90m or 45s")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)


def wait(text: str) -> datetime.timedelta:
    """Returns a length of time as `duration` does, of at least a second."""
    if not (length := duration(text)):
        raise argparse.ArgumentTypeError(f"{text!r} must be at least 1s, for example 60s or 2m")
    return length


def days(text: str) -> datetime.timedelta:
    """Returns the length of time of a number of days, at least 1, such as `400d`."""
    found = re.fullmatch(r"([1-9]\d{0,4})d", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days; write for example 400d")
    return datetime.timedelta(days=int(found[1]))
