"""How long one core looks at a training photograph, and blends a batch of them.

    python benchmarks/views.py FOLDER

FOLDER holds JPEGs; the first 300 are read before the clock starts.
"""

import sys
import time
from pathlib import Path

import numpy as np

from melanoma.training.data.mixup import mixup
from melanoma.training.data.views import random_view

PHOTOGRAPHS, ROUNDS, SIDES = 300, 3, (128, 160, 192, 224)
BATCH, BLENDS = (64, 192, 192, 3), 20


def main(folder: Path) -> None:
    """Prints the milliseconds a view, the least of the rounds, by the side of the view."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))[:PHOTOGRAPHS]]
    for side in SIDES:
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            for number, data in enumerate(files):
                random_view(data, (side, side), (0, 0, number))
            seconds.append(time.perf_counter() - started)
        print(f"{side}x{side} pixels: {1000 * min(seconds) / len(files):.1f} ms")
    pixels, targets = np.random.default_rng(0).integers(0, 256, BATCH, np.uint8), np.eye(BATCH[0], dtype=np.float32)
    seconds = []
    for number in range(BLENDS):
        started = time.perf_counter()
        mixup(pixels, targets, 1.0, (0, 0, number))
        seconds.append(time.perf_counter() - started)
    print(f"a blend of {BATCH[0]} of {BATCH[1]}x{BATCH[2]} pixels: {1000 * min(seconds):.1f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
