"""Numbers and errors in sentences."""


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun, such as `1 row` or `1,234 rows`; the plural of the noun ends in s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def are(number: int) -> str:
    """Returns the verb for a number of things: `is` for one, else `are`."""
    return "is" if number == 1 else "are"


def lesions(number: int) -> str:
    """Returns a number of lesions, or of patients where the lesion of a photograph is not known."""
    return f"{number:,} lesion or patient" if number == 1 else f"{number:,} lesions or patients"


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text, empty if it has none: libraries add a trace or advice below it."""
    return (str(error).splitlines() or [""])[0]
