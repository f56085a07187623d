"""A training job: everything that decides its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from melanoma.images.decoding import ImageSpec
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.data.policies import POLICIES
from melanoma.training.fitting.distillation import DistillationConfig
from melanoma.training.fitting.preparation import Prepared
from melanoma.training.fitting.recipes import Recipe
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.training_config import TrainingConfig
from melanoma.training.fitting.warm_start import WarmStart
from melanoma.training.networks.registry import network_named
from melanoma.training.release.external_photographs import ExternalSet


@dataclass(frozen=True)
class TrainingJob:
    """Settings of a job.

    Attributes:
        network: Name of the network.
        recipe: How it is trained.
        prepared: Data set.
        seed: Seed of weights, dropout, epochs, augmentation and bootstrap.
        rule: Decision rule, `balanced` or `argmax`.
        max_referral_rate: Largest share of photographs that may be referred to a person for low confidence.
        subgroups: Values by name of subgroup and image_id.
        warm_start: Earlier bundle whose weights it starts from, or None for the network's own.
        precision: Numeric precision of training, see `training_copy`.
        processes: Processes of the data loader; 0 for threads.
        external: Photographs of other hospitals, for the evaluation only.
        views: How many views of a photograph are averaged when it is scored.
    """

    network: str
    recipe: Recipe
    prepared: Prepared
    seed: int
    rule: str
    max_referral_rate: float
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warm_start: WarmStart | None = None
    precision: str = "float32"
    processes: int = 0
    external: Sequence[ExternalSet] = ()
    views: int = 1

    @property
    def spec(self) -> ImageSpec:
        """How photographs are decoded when they are scored."""
        return ImageSpec(*self.recipe.size, crop=self.recipe.crop)

    def teacher_job(self, number: int) -> Self:
        """Returns the job that trains a teacher, counted from 0: the same settings with its own seed."""
        name = self.recipe.teachers[number]
        recipe = self.recipe.for_teacher(is_pretrained=network_named(name).is_pretrained)
        return replace(self, network=name, recipe=recipe, seed=self.seed + 1 + number, warm_start=None)

    def training_config(self, checkpoint: Path, distillation: DistillationConfig | None = None) -> TrainingConfig:
        """Returns the settings of the training itself.

        Args:
            checkpoint: Local file for the state after each epoch.
            distillation: Teachers, or None to learn from labels only.
        """
        return TrainingConfig(
            network=network_named(self.network),
            spec=self.spec,
            dataset=self.prepared.dataset,
            policy=POLICIES[self.recipe.augmentation],
            epochs=self._epochs(),
            schedule=self._schedule(),
            checkpoint=checkpoint,
            initial_weights=self.warm_start.weights if self.warm_start else {},
            precision=self.precision,
            processes=self.processes,
            distillation=distillation,
        )

    def _epochs(self) -> EpochConfig:
        recipe = self.recipe
        return EpochConfig(recipe.batch_size, self.seed, None, recipe.balance, recipe.max_repeats, recipe.mixup)

    def _schedule(self) -> Schedule:
        recipe = self.recipe
        return Schedule(
            epochs=recipe.epochs,
            sizes=recipe.train_sizes,
            head_epochs=recipe.head_epochs,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            label_smoothing=recipe.label_smoothing,
            averaging=recipe.averaging,
        )
