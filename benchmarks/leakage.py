"""Measures how much a validation result is inflated when one lesion is on both sides of a split.

    python benchmarks/leakage.py --data FOLDER --json benchmarks/results/leakage.json

The folder contains `isic9/Train`, `isic9/Test` and `ham10000/metadata.csv`. `python benchmarks/leakage_chart.py` draws
the results.

Four protocols, each one decision apart, train two networks for the same number of steps. All are evaluated on one
honest test part: cleaned photographs whose lesions, copies and near duplicates no protocol has seen.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from leakage_protocols import PROTOCOLS, Item, Material, gather, shared

from melanoma.audit.perceptual_hash import turned_hashes
from melanoma.evaluation.metrics import accuracy, bootstrap
from melanoma.training.networks.registry import network_named

SPLIT = Path(__file__).parents[1] / "docs" / "splits" / "isic9.csv"
LIBRARIES = ("keras", "tensorflow", "Augmentor", "numpy")


@dataclass(frozen=True)
class Settings:
    """Settings that all protocols share.

    Attributes:
        size: Height and width of the network's input, pixels.
        per_class: Number of augmented images that are added to every class.
        steps: Number of optimiser steps.
        batch_size: Photographs per step.
        learning_rate: Initial learning rate; it falls to 0 along a cosine.
        label_smoothing: Share of each target that is spread over all classes, 0 to 1.
    """

    size: tuple[int, int] = (112, 112)
    per_class: int = 500
    steps: int = 4000
    batch_size: int = 32
    learning_rate: float = 1e-3
    label_smoothing: float = 0.05


class Steps(keras.utils.PyDataset):
    """All steps of a training, in shuffled passes over pixels or over the features of a frozen network."""

    def __init__(self, pixels: np.ndarray, targets: np.ndarray, settings: Settings, seed: int) -> None:
        """Draws the order, which depends only on the seed."""
        super().__init__()
        self._pixels, self._targets, self._batch = pixels, targets, settings.batch_size
        rng, wanted = np.random.default_rng(seed), settings.steps * settings.batch_size
        passes = [rng.permutation(len(pixels)) for _ in range(-(-wanted // len(pixels)))]
        self._order = np.concatenate(passes)[:wanted]

    def __len__(self) -> int:
        """Number of steps."""
        return len(self._order) // self._batch

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns inputs and one-hot targets of a step."""
        drawn = self._order[step * self._batch : (step + 1) * self._batch]
        return self._pixels[drawn], self._targets[drawn]


def notebook_cnn(num_classes: int, size: tuple[int, int]) -> keras.Model:
    """Builds the network that most notebooks start from: the one of TensorFlow's image classification tutorial."""
    layers = keras.layers
    blocks = [
        layer
        for filters in (16, 32, 64)
        for layer in (layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D())
    ]
    head = [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(num_classes, activation="softmax")]
    return keras.Sequential([keras.Input((*size, 3)), layers.Rescaling(1 / 255), *blocks, *head])


def from_scratch(pixels: np.ndarray, targets: np.ndarray, settings: Settings, seed: int) -> keras.Model:
    """Trains the notebook network from random weights."""
    return learn(notebook_cnn(targets.shape[1], settings.size), pixels, targets, settings, seed)


def frozen(pixels: np.ndarray, targets: np.ndarray, settings: Settings, seed: int) -> keras.Model:
    """Trains two dense layers on the features of a network that was trained on ImageNet and stays frozen."""
    whole = network_named("lite0").build(targets.shape[1], settings.size)
    body = keras.Model(whole.input, whole.get_layer("average").output)
    layers = [keras.layers.Dense(256, activation="relu"), keras.layers.Dense(targets.shape[1], activation="softmax")]
    head = keras.Sequential([keras.Input(body.output.shape[1:]), *layers])
    learn(head, body.predict(pixels, batch_size=64, verbose=0), targets, settings, seed)
    return keras.Model(body.input, head(body.output))


def learn(network: keras.Model, inputs: np.ndarray, targets: np.ndarray, settings: Settings, seed: int) -> keras.Model:
    """Trains to the end of the schedule, without early stopping."""
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)
    network.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, jit_compile=False)
    network.fit(Steps(inputs, targets, settings, seed), shuffle=False, verbose=0)
    return network


NETWORKS: dict[str, Callable[[np.ndarray, np.ndarray, Settings, int], keras.Model]] = {
    "notebook": from_scratch,
    "frozen": frozen,
}


def evaluate(network: keras.Model, items: Sequence[Item], material: Material, settings: Settings) -> dict[str, Any]:
    """Returns accuracy and balanced accuracy with 95 % intervals from a bootstrap of whole lesions."""
    truth = material.truth(items)
    predicted = network.predict(pixels_of(items, settings), batch_size=64, verbose=0).argmax(axis=1)
    measures = {
        "accuracy": accuracy.accuracy(truth, predicted),
        "balanced_accuracy": accuracy.balanced_accuracy(truth, predicted, material.evaluated),
    }
    groups = np.array([item.photograph.group for item in items])
    return bootstrap.estimates(measures, groups, 0)


def pixels_of(items: Sequence[Item], settings: Settings) -> np.ndarray:
    """Returns decoded and augmented photographs, uint8 (items, height, width, 3)."""
    return np.stack([item.pixels(settings.size) for item in items])


def shared_by_image(training: Sequence[Item], validation: Sequence[Item]) -> dict[str, int]:
    """Returns the counts of `shared` for files with unknown ids and lesions: leaks that the images alone reveal."""
    files = [
        Item(replace(item.photograph, image_id=f"{n}", group=f"{n}"), (), turned_hashes(item.pixels((64, 64))))
        for n, item in enumerate([*training, *validation])
    ]
    return shared(files[: len(training)], files[len(training) :])


def run(build: str, name: str, material: Material, settings: Settings, seed: int) -> dict[str, Any]:
    """Trains and evaluates one network by one protocol with one seed."""
    started = time.monotonic()
    training, validation = PROTOCOLS[name](material, settings.per_class, seed)
    targets = np.eye(len(material.labels), dtype=np.float32)[material.truth(training)]
    keras.utils.set_random_seed(seed)
    network = NETWORKS[build](pixels_of(training, settings), targets, settings, seed)
    return {
        "network": build,
        "protocol": name,
        "seed": seed,
        "training": {"files": len(training), "photographs": len({item.photograph.uri for item in training})},
        "validation": {"files": len(validation), "seen in training": shared(training, validation)},
        "published": {"files": len(material.published), "seen in training": shared(training, material.published)},
        "honest": {"files": len(material.honest), "seen in training": shared(training, material.honest)},
        "validation says": evaluate(network, validation, material, settings),
        "published test says": evaluate(network, material.published, material, settings),
        "honest test says": evaluate(network, material.honest, material, settings),
        "seconds": round(time.monotonic() - started, 1),
    }


def parse() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with isic9/ and ham10000/metadata.csv")
    add("--split", default=str(SPLIT), help="table whose test part is the honest one (default: %(default)s)")
    add("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="networks to train (default: all)")
    add("--seeds", type=int, default=1, help="trainings per network and protocol (default: %(default)s)")
    add("--steps", type=int, default=Settings.steps, help="steps of each training (default: %(default)s)")
    add("--per-class", type=int, default=Settings.per_class, help="augmented images per class (default: %(default)s)")
    add("--json", type=Path, required=True, help="file for the results; a call with the same settings continues them")
    return parser.parse_args()


def main() -> int:
    """Runs all protocols, and writes the results after each training."""
    args = parse()
    settings = Settings(steps=args.steps, per_class=args.per_class)
    material = gather(args.data, args.split)
    report = begin(args.json, settings, material)
    done = {(result["network"], result["protocol"], result["seed"]) for result in report["runs"]}
    wanted = [(build, name, seed) for seed in range(args.seeds) for build in args.networks for name in PROTOCOLS]
    for build, name, seed in wanted:
        if (build, name, seed) in done:
            continue
        result = run(build, name, material, settings, seed)
        report["runs"].append(result)
        args.json.write_text(json.dumps(report, indent=1) + "\n")
        validation, honest = (
            result[f"{part} says"]["balanced_accuracy"]["value"] for part in ("validation", "honest test")
        )
        print(
            f"{build}, {name}, seed {seed}: validation {validation:.3f}, honest test {honest:.3f}, "
            f"{result['seconds']} s",
            flush=True,
        )
    return 0


def begin(file: Path, settings: Settings, material: Material) -> dict[str, Any]:
    """Returns the report of an earlier call with the same settings, or a new one."""
    first = next(iter(PROTOCOLS))
    about: dict[str, Any] = {
        "settings": json.loads(json.dumps(asdict(settings))),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "pool": len(material.pool),
        "clean": len(material.clean),
        "evaluated": [material.labels[index] for index in material.evaluated],
    }
    found = json.loads(file.read_text()) if file.exists() else {}
    if found.items() >= about.items():
        return dict(found)
    by_image = shared_by_image(*PROTOCOLS[first](material, settings.per_class, 0))
    return {**about, "by looks alone": by_image, "runs": []}


if __name__ == "__main__":
    sys.exit(main())
