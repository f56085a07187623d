"""How long one core looks at a training photograph.

    python benchmarks/views.py FOLDER

FOLDER holds JPEGs; the first 300 are read before the clock starts.
"""

import sys
import time
from pathlib import Path

from melanoma.learning.views import view

PHOTOGRAPHS, ROUNDS, SIDES = 300, 3, (128, 160, 192, 224)


def main(folder: Path) -> None:
    """Prints the milliseconds a view, the least of the rounds, by the side of the view."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))[:PHOTOGRAPHS]]
    for side in SIDES:
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            for number, data in enumerate(files):
                view(data, (side, side), (0, 0, number))
            seconds.append(time.perf_counter() - started)
        print(f"{side}x{side} pixels: {1000 * min(seconds) / len(files):.1f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
