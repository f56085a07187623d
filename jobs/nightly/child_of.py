"""Becomes another program that the kernel ends together with the process that asked for it, SIGKILL included.

Runs as a script, without the packages of the environment: `python child_of.py PARENT PROGRAM WORD…`. The program gets a
session of its own, so that Ctrl-C in a terminal reaches only the process that has to cancel its job first.
"""

import ctypes
import os
import signal
import sys

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2), which outlives exec


def become(parent: int, words: list[str]) -> None:
    """Replaces this process by a program.

    Args:
        parent: Number of the process whose end ends the program.
        words: Name or path of the program, and its arguments.

    Raises:
        OSError: The program cannot be started.
    """
    os.setsid()
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() == parent:  # else it ended before the kernel was told
        os.execvp(words[0], words)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
