"""Everything that decides the outcome of a training, and how a resumed training recognises its checkpoint."""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from melanoma.datasets.splits import TRAIN, Dataset
from melanoma.images.decoding import ImageSpec
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.data.policies import AugmentationPolicy
from melanoma.training.fitting.distillation import DistillationConfig
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.warm_start import Weights
from melanoma.training.networks.registry import Network


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one training.

    Attributes:
        network: Kind of network to train.
        spec: How photographs are decoded when they are scored, and for validation.
        dataset: Data set; its training and validation parts are used.
        policy: Augmentation policy for training photographs.
        epochs: How epochs are sampled and batched.
        schedule: Epochs, image sizes and learning rates.
        checkpoint: Local file, replaced after every epoch.
        initial_weights: Weights by name of layer that replace the network's own; empty for none.
        precision: Numeric precision, see `training_copy`.
        processes: Processes of the data loader; 0 for threads. They do not change the outcome.
        distillation: Teachers, or None to learn from labels only.
    """

    network: Network
    spec: ImageSpec
    dataset: Dataset
    policy: AugmentationPolicy
    epochs: EpochConfig
    schedule: Schedule
    checkpoint: Path
    initial_weights: Weights = field(default_factory=dict)
    precision: str = "float32"
    processes: int = 0
    distillation: DistillationConfig | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.dataset.labels)

    def checkpoint_settings(self) -> dict[str, Any]:
        """Returns the JSON values that a resumed training must share with its checkpoint.

        Names and values are part of the checkpoint format: a training begun by an earlier version must still resume.
        """
        return {
            **asdict(self.schedule),
            **asdict(self.epochs),
            "look": self.policy.name,
            "training part": np.bincount(self.dataset.part(TRAIN).truth).tolist(),
            "photographs and split": hashlib.sha256(self.dataset.to_csv()).hexdigest(),
            "network": f"{self.network.description}, {self.spec.height}x{self.spec.width}, {self._origin()}",
            "precision": self.precision,
            "teaching": self.distillation.description if self.distillation else "none",
        }

    def _origin(self) -> str:
        return f"from {_digest(self.initial_weights)[:12]}" if self.initial_weights else "from its own start"


def _digest(weights: Weights) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        for array in weights[name]:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
