"""Makes text from elsewhere safe to print on a terminal."""


def printable(text: str, keep: str = "") -> str:
    """Replaces characters that could move a terminal's cursor or hide other text.

    Args:
        text: A name, card or message from elsewhere.
        keep: Control characters to leave in place, such as line ends.

    Returns:
        The text with U+FFFD for every other character that cannot be printed.
    """
    return "".join(
        character if character.isprintable() or character in keep else "\N{REPLACEMENT CHARACTER}" for character in text
    )
