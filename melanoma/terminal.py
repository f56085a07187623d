"""Text from elsewhere on a person's terminal."""


def printable(text: str, keep: str = "") -> str:
    """Takes from a text what would move a terminal's cursor or hide what it says.

    Args:
        text: Names, cards and messages that others wrote.
        keep: Control characters that may stay, such as line ends.
    """
    return "".join(
        character if character.isprintable() or character in keep else "\N{REPLACEMENT CHARACTER}" for character in text
    )
