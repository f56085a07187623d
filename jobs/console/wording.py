"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, such as `1 row` or `1,234 rows`; the plural of the noun ends in s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def are(number: int) -> str:
    """Returns the verb for a number of things: `is` for one, else `are`."""
    return "is" if number == 1 else "are"


def per_second(rate: float) -> str:
    """Returns a rate of photographs, more than 0, with one decimal where it is below 10."""
    if rate < 0.05:
        return "less than 0.1 photographs/s"
    return f"{rate:.1f} photographs/s" if rate < 9.95 else f"{rate:,.0f} photographs/s"
