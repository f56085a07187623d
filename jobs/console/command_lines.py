"""Writes parsed flags out again as words of a command line, for cards that repeat a command."""

from collections.abc import Iterator


def flag_words(flag: str, value: object) -> Iterator[str]:
    """Yields the words of a flag: repeatable flags hold tuples, and a size is a tuple of two numbers."""
    if value is True:
        yield flag
    elif isinstance(value, tuple) and not (value and isinstance(value[0], int)):
        for item in value:
            yield from flag_words(flag, item)
    elif value is not None and value is not False:
        yield flag
        yield f"{value[0]}x{value[1]}" if isinstance(value, tuple) else str(value)
