"""What a flag's value must look like, told in one line where it does not."""

import argparse


def whole(text: str, least: int = 1) -> int:
    """Reads a whole number of at least `least`."""
    if not (text.isdecimal() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of {least} or more")
    return int(text)


def size(text: str, least: int = 1) -> tuple[int, int]:
    """Reads HEIGHTxWIDTH in pixels, each at least `least`."""
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and min(int(height), int(width)) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write HxW of {least} or more, such as 224x224")
    return int(height), int(width)
