"""Prints how the modules of one or more checkouts depend on each other: rooms, arrows between them, and floors.

Run from the project's root: python -m benchmarks.structure . ../another-checkout
"""

import sys
from pathlib import Path

from tests.helpers.imports import structure

if __name__ == "__main__":
    for root in sys.argv[1:] or ["."]:
        print(root, structure(Path(root)))
