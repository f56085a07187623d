"""Measures how long one core takes to make a view of a training photograph, and to blend a batch of them.

    python benchmarks/augmentation.py FOLDER

FOLDER contains JPEG files; the first 300 are read before timing starts.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from melanoma.training.data.mixup import mixup
from melanoma.training.data.views import random_view

PHOTOGRAPHS, ROUNDS, SIDES = 300, 3, (128, 160, 192, 224)
BATCH, BLENDS = (64, 192, 192, 3), 20


def main(folder: Path) -> None:
    """Prints milliseconds per view by the side of the view, and per blended batch."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))[:PHOTOGRAPHS]]
    for side in SIDES:
        seconds = fastest(ROUNDS, lambda _, side=side: view_all(files, side))
        print(f"view of {side}x{side} pixels: {1000 * seconds / len(files):.1f} ms")
    pixels, targets = np.random.default_rng(0).integers(0, 256, BATCH, np.uint8), np.eye(BATCH[0], dtype=np.float32)
    seconds = fastest(BLENDS, lambda number: mixup(pixels, targets, 1.0, (0, 0, number)))
    print(f"blend of {BATCH[0]} photographs of {BATCH[1]}x{BATCH[2]} pixels: {1000 * seconds:.1f} ms")


def view_all(files: list[bytes], side: int) -> None:
    """Makes one view of each file."""
    for number, data in enumerate(files):
        random_view(data, (side, side), (0, 0, number))


def fastest(rounds: int, call: Callable[[int], object]) -> float:
    """Returns the seconds of the fastest of several rounds; `call` receives the number of the round."""
    seconds = []
    for number in range(rounds):
        started = time.perf_counter()
        call(number)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
