"""UTF-8 whatever the locale says: names of files are the same on every machine, and every text can be printed."""

import os
import sys

_MODE = "PYTHONUTF8"


def ensure() -> None:
    """Starts this process again in Python's UTF-8 mode, unless it decodes names of files as UTF-8 already.

    In an 8-bit locale Python would read a name in UTF-8 as other characters, and the score table would hold another
    URI for the same photograph. The mode cannot be switched on later. Worker processes inherit it.
    """
    # A second start that changes nothing would not end.
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get(_MODE) == "1":
        return
    os.execve(sys.executable, sys.orig_argv, os.environ | {_MODE: "1"})  # noqa: S606 - the same program once more
