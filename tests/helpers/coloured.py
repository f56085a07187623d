"""Image files whose class shows in their colour."""

import hashlib
from pathlib import Path

import numpy as np

from melanoma.datasets.photographs import Photograph
from melanoma.datasets.splits import PARTS, Dataset
from melanoma.images import encoding

SIZE = (32, 32)
COLOURS = {"melanoma": (90, 40, 40), "nevus": (200, 160, 120), "vascular_lesion": (180, 30, 90)}


def write(folder: Path, label: str, count: int, seed: int = 0, size: tuple[int, int] = SIZE) -> list[Photograph]:
    """Writes noisy PNG files of a label's colour to a folder of that name, each with a lesion of its own."""
    rng, photographs = np.random.default_rng((seed, len(label))), []
    (folder / label).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        noise = rng.normal(0, 25, (*size, 3))
        data = encoding.encode(np.clip(noise + COLOURS[label], 0, 255).astype(np.uint8), "png")
        path = folder / label / f"{label}-{number}.png"
        path.write_bytes(data)
        name = f"{label}-{number}"
        photographs.append(Photograph(name, str(path), hashlib.sha256(data).hexdigest(), label, name))
    return photographs


def dataset(folder: Path, counts: dict[str, int], seed: int = 0) -> Dataset:
    """Writes photographs by label; three fifths of each class are in the training part, one fifth in each other."""
    photographs, parts = [], []
    for label, count in counts.items():
        photographs += write(folder, label, count, seed)
        parts += [PARTS[max(0, number % 5 - 2)] for number in range(count)]
    return Dataset(photographs, np.array(parts))
