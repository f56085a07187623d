"""A run as a process of its own, over the faulty store."""

import sys

from tests.simulation.store import register

if __name__ == "__main__":
    register()
    from jobs.cli import start

    start(sys.argv[1:])
