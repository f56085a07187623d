"""Small real inputs for tests: synthetic photographs, folders full of them, and a bundle with a tiny network."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from melanoma.images import encoding
from melanoma.samples import phantoms

ROOT = Path(__file__).parents[2]
# TensorFlow's convolutions may differ with a photograph's place in a batch: by 1.5e-8 on a processor without AVX-512.
ROUNDING = 1e-6
LABELS = ("melanoma", "nevus", "basal cell carcinoma")


def approximately(answers: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """Returns probabilities by name that compare equal to others within `ROUNDING`."""
    return {
        name: tuple(p if p is None else pytest.approx(p, rel=0, abs=ROUNDING) for p in values)
        for name, values in answers.items()
    }


@functools.cache
def photograph(seed: int, format: encoding.Format = "jpeg", height: int = 60, width: int = 80) -> bytes:
    """Returns the encoded bytes of a small synthetic photograph; each seed has its own."""
    return encoding.encode(phantoms.draw(seed, height, width), format)


def fill(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Writes synthetic photographs `lesion-0000.jpg` and so on, every fourth as PNG, and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(first, first + count):
        is_png = seed % 4 == 3
        path = folder / f"lesion-{seed:04d}.{'png' if is_png else 'jpg'}"
        path.write_bytes(photograph(seed, "png" if is_png else "jpeg"))
        paths.append(path)
    return paths


def write_tiny_bundle(folder: Path, labels: tuple[str, ...] = LABELS, seed: int = 0, size: int = 16) -> str:
    """Writes a bundle with a very small untrained network, and returns its folder."""
    import keras

    from melanoma.images.decoding import ImageSpec
    from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
    from melanoma.model.bundle_writer import write_bundle
    from melanoma.model.description import uniform_prior

    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(labels), activation="softmax", kernel_initializer="he_normal"),
        ]
    )
    settings = ModelSettings(
        labels=labels, spec=ImageSpec(size, size), prior=uniform_prior(labels), thresholds={"melanoma": 0.3}
    )
    documents = BundleDocuments(card="# Tiny\n\nFor tests.\n", licence="Public domain: made of random numbers.\n")
    write_bundle(str(folder), network, settings, documents)
    return str(folder)


def refusing(name: str, function: Callable[..., object], error: Exception) -> Callable[..., object]:
    """Returns a file system's method that raises an error for every path with that name in it."""

    def refuse(self: object, path: object, *args: object, **options: object) -> object:
        if name in str(path):
            raise error
        return function(self, path, *args, **options)

    return refuse
