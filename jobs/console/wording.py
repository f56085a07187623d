"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, such as `1 row` or `1,234 rows`; the plural of the noun ends in s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
