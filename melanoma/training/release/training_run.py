"""Runs a training job in a folder: first its teachers, if it has any, then the network itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import keras

from melanoma.training.fitting.checkpoints import HISTORY, SPLIT, checkpoint_names
from melanoma.training.fitting.distillation import DistillationConfig
from melanoma.training.fitting.monitoring import History, history_csv
from melanoma.training.fitting.trainer import OnStep, Trained, Trainer
from melanoma.training.networks.fast_copy import training_copy
from melanoma.training.networks.registry import network_named
from melanoma.training.release.training_job import TrainingJob


class Progress(NamedTuple):
    """The progress of one network of a job.

    Attributes:
        role: Which network this is, such as `teacher 1 of 2 (lite2)`; empty for the network itself.
        total_epochs: Epochs that this network will train.
        history: Metrics of its epochs so far.
        teacher: Number of the teacher, counted from 1; 0 for the network itself.
    """

    role: str
    total_epochs: int
    history: History
    teacher: int = 0


@dataclass(frozen=True)
class TrainingRun:
    """A job and the folder in which it keeps split, history and checkpoints, so that it can resume.

    Attributes:
        job: What to train.
        folder: Local folder, which will become the bundle.
        on_epoch: Called after every epoch.
        on_step: Called after every step, see `Trainer.run`.
    """

    job: TrainingJob
    folder: Path
    on_epoch: Callable[[Progress], object]
    on_step: OnStep | None = None

    def train(self, *, resume: bool) -> Trained:
        """Trains to the end.

        Args:
            resume: Whether to continue from the checkpoints.

        Raises:
            UsageError: There is nothing to resume, or it belongs to another job.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not resume:  # a resumed job finds the file, and must have the same split
            (self.folder / SPLIT).write_bytes(self.job.prepared.dataset.to_csv())
        checkpoint, *teacher_checkpoints = self._checkpoints()
        trainer = Trainer(self.job.training_config(checkpoint, self._distillation(teacher_checkpoints)))
        # A job that was killed while training its teachers has no checkpoint of the network itself.
        has_begun = checkpoint.exists() or not teacher_checkpoints
        return trainer.run(resume=resume and has_begun, on_epoch=self._keep, on_step=self.on_step)

    def _checkpoints(self) -> list[Path]:
        return [self.folder / name for name in checkpoint_names(len(self.job.recipe.teachers))]

    def _keep(self, history: History) -> None:
        (self.folder / HISTORY).write_bytes(history_csv(history))
        self.on_epoch(Progress("", self.job.recipe.epochs, history))

    def _distillation(self, checkpoints: list[Path]) -> DistillationConfig | None:
        recipe = self.job.recipe
        if not recipe.teachers:
            return None
        return DistillationConfig(
            recipe.teacher_weight,
            lambda: [self._teacher(number, path) for number, path in enumerate(checkpoints)],
            # Part of the checkpoint format, like all settings of a training.
            f"{recipe.teacher_weight} by {', '.join(recipe.teachers)} after {recipe.teacher_epochs} epochs",
        )

    def _teacher(self, number: int, checkpoint: Path) -> keras.Model:
        """Trains a teacher or resumes its training, and returns it for any input size."""
        job = self.job.teacher_job(number)
        role = f"teacher {number + 1} of {len(self.job.recipe.teachers)} ({job.network})"
        trained = Trainer(job.training_config(checkpoint)).run(
            resume=checkpoint.exists(),
            on_epoch=lambda history: self.on_epoch(Progress(role, job.recipe.epochs, history, number + 1)),
            on_step=self.on_step,
        )
        teacher = network_named(job.network).build(len(job.prepared.dataset.labels), (None, None))
        teacher.set_weights(trained.network.get_weights())
        return training_copy(teacher, job.precision)
