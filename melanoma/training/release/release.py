"""The whole way from a prepared data set to a bundle: train, finish, write."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import keras

from melanoma.datasets.splits import TRAIN
from melanoma.evaluation.pages.evaluation import page
from melanoma.images.decoding import ImageSpec
from melanoma.model.bundle import Bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.training.calibration.review_curve import plot_review_curve
from melanoma.training.data.class_counts import plot_counts
from melanoma.training.data.epochs import EpochConfig
from melanoma.training.data.policies import POLICIES
from melanoma.training.fitting.checkpoints import HISTORY, SPLIT, checkpoint_names
from melanoma.training.fitting.distillation import Teaching
from melanoma.training.fitting.monitoring import History, history_csv
from melanoma.training.fitting.preparation import Prepared
from melanoma.training.fitting.recipes import Recipe
from melanoma.training.fitting.schedule import Schedule
from melanoma.training.fitting.trainer import Trained, Trainer
from melanoma.training.fitting.warm_start import ANCESTRY, Weights
from melanoma.training.networks.fast_copy import training_copy
from melanoma.training.networks.registry import network_named
from melanoma.training.release import model_card
from melanoma.training.release.finishing import Finished, Finisher
from melanoma.training.release.learning_curves import draw_curves

_NOT_IN_BUNDLE_JSON = ("curves", "challenge", "confusion")  # evaluation.json has them
_LICENCE = "The network in this folder was trained on data under these terms, which bind it too.\n\n{}\n"
_INHERITED = "\nIts training started from {}, whose terms bind it as well:\n\n{}\n"


@dataclass(frozen=True)
class Story:
    """What only whoever trains can say.

    Attributes:
        name: Of the bundle.
        data: What the data is, for people.
        licence: Terms of the data.
        command: The exact command.
        limits: What else a reader must know, a sentence each.
    """

    name: str
    data: str
    licence: str
    command: str
    limits: Sequence[str]


@dataclass(frozen=True)
class Plan:
    """All that decides what comes out.

    Attributes:
        network: Name of it.
        recipe: How it is trained.
        prepared: The data set.
        seed: Of weights, dropout, drawing, looks and resampling.
        rule: `balanced` or `argmax`.
        most_sent: Share of the photographs that may go to a person for lack of confidence.
        subgroups: Values by name of subgroup and image_id.
        initial: Weights by name of layer that training starts from instead of the network's own.
        ancestry: CSV of what those were trained on; empty where they are the network's own.
        origin: Name of the model that they come from; likewise.
        terms: Of the data that it was trained on; likewise.
        precision: Of training, see `training_copy`.
        processes: That look at photographs, see `DataLoader`.
    """

    network: str
    recipe: Recipe
    prepared: Prepared
    seed: int
    rule: str
    most_sent: float
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    initial: Weights = field(default_factory=dict)
    ancestry: bytes = b""
    origin: str = ""
    terms: str = ""
    precision: str = "float32"
    processes: int = 0

    @property
    def spec(self) -> ImageSpec:
        """What scoring will see."""
        return ImageSpec(*self.recipe.size, crop=self.recipe.crop)

    @property
    def _inherited_terms(self) -> str:
        return _INHERITED.format(self.origin, self.terms) if self.origin else ""

    @property
    def drawing(self) -> EpochConfig:
        """How epochs are drawn."""
        recipe = self.recipe
        return EpochConfig(recipe.batch_size, self.seed, None, recipe.balance, recipe.max_repeats, recipe.mixup)

    def train(
        self, folder: Path, resume: bool, verbose: Literal[0, 1, 2], on_epoch: Callable[[str, int, History], object]
    ) -> Trained:
        """Trains, and leaves split, history and checkpoints in a local folder as it goes.

        Args:
            folder: Becomes the bundle.
            resume: Whether to go on from the checkpoints.
            verbose: See `Trainer.run`.
            on_epoch: Called with whom it was (a teacher, or nothing for the network itself), the epochs in all, and
                the figures of those so far.

        Raises:
            UsageError: There is nothing to resume, or it belongs to another training.
        """
        taught_by = self.recipe.taught_by
        folder.mkdir(parents=True, exist_ok=True)
        if not resume:  # one that goes on has written it, and may only go on with the same
            (folder / SPLIT).write_bytes(self.prepared.dataset.to_csv())

        def keep(history: History) -> None:
            (folder / HISTORY).write_bytes(history_csv(history))
            on_epoch("", self.recipe.epochs, history)

        checkpoint, *theirs = (folder / name for name in checkpoint_names(len(taught_by)))
        teaching = Teaching(
            self.recipe.teaching,
            lambda: [self._teacher(number, path, verbose, on_epoch) for number, path in enumerate(theirs)],
            f"{self.recipe.teaching} by {', '.join(taught_by)} after {self.recipe.teacher_epochs} epochs",
        )
        trainer = self._trainer(self.network, checkpoint, self.initial, teaching if taught_by else None)
        is_begun = checkpoint.exists() or not taught_by  # one of its teachers may be all that is
        return trainer.run(resume and is_begun, verbose, keep)

    def _trainer(
        self, network: str, checkpoint: Path, initial: Weights | None = None, teaching: Teaching | None = None
    ) -> Trainer:
        recipe = self.recipe
        schedule = Schedule(
            epochs=recipe.epochs,
            sizes=recipe.train_sizes,
            head_epochs=recipe.head_epochs,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            label_smoothing=recipe.label_smoothing,
            averaging=recipe.averaging,
        )
        return Trainer(
            network_named(network),
            self.spec,
            self.prepared.dataset,
            POLICIES[recipe.look],
            self.drawing,
            schedule,
            checkpoint,
            initial,
            self.precision,
            self.processes,
            teaching,
        )

    def _teacher(
        self, number: int, checkpoint: Path, verbose: Literal[0, 1, 2], on_epoch: Callable[[str, int, History], object]
    ) -> keras.Model:
        """Trains one as the pupil will be, or takes it up where it stopped; it takes any size."""
        name = self.recipe.taught_by[number]
        who = f"teacher {number + 1} of {len(self.recipe.taught_by)} ({name}), "
        recipe = replace(self.recipe, taught_by=()).lasting(self.recipe.teacher_epochs)
        if not network_named(name).is_pretrained:
            recipe = replace(recipe, head_epochs=0)
        alone = replace(self, recipe=recipe, seed=self.seed + 1 + number)
        trained = alone._trainer(name, checkpoint).run(
            checkpoint.exists(), verbose, partial(on_epoch, who, recipe.epochs)
        )
        teacher = network_named(name).build(len(self.prepared.dataset.labels), (None, None))
        teacher.set_weights(trained.network.get_weights())
        return training_copy(teacher, self.precision)

    def finish(self, trained: Trained) -> Finished:
        """Calibrates, chooses thresholds, and judges once on the test part."""
        landmarks = network_named(self.network).feature_layers
        finisher = Finisher(
            self.prepared.dataset, self.spec, landmarks, self.rule, self.most_sent, self.seed, self.subgroups
        )
        return finisher.finish(trained)

    def ship(self, uri: str, story: Story, trained: Trained, finished: Finished) -> Bundle:
        """Writes the bundle.

        Raises:
            BundleError: Something else lies there.
        """
        labels, tally = self.prepared.dataset.labels, self.prepared.dataset.tally()
        epochs = dict(zip(labels, trained.prior.tolist(), strict=True))
        height, width = self.recipe.size
        told = model_card.Training(
            name=story.name,
            network=f"{network_named(self.network).description} on photographs of {height}x{width} pixels.",
            teachers=[network_named(name).description for name in self.recipe.taught_by],
            backends=trained.backends,
            origin=self.origin,
            data=story.data,
            licence=story.licence.splitlines()[0],
            command=story.command,
            steps=self.prepared.steps,
            tally=tally,
            epoch_shares=epochs,
            prior=dict(zip(labels, finished.prior, strict=True)),
            look=POLICIES[self.recipe.look].description,
            limits=story.limits,
        )
        before = {label: parts[TRAIN] for label, parts in tally.items()}
        after = {label: round(share * sum(before.values())) for label, share in epochs.items()}
        settings = ModelSettings(
            labels=labels,
            spec=self.spec,
            prior=finished.prior,
            temperature=finished.temperature,
            decision_rule=self.rule,
            thresholds=finished.thresholds,
        )
        documents = BundleDocuments(
            card=model_card.write_card(told, finished),
            licence=_LICENCE.format(story.licence) + self._inherited_terms,
            reference=finished.reference,
            metrics={
                "test": {key: value for key, value in finished.report.items() if key not in _NOT_IN_BUNDLE_JSON},
                **finished.gap,
                "choices": finished.choices,
            },
            training={**asdict(told), "recipe": asdict(self.recipe), "seed": self.seed},
            extra_files={
                SPLIT: self.prepared.dataset.to_csv(),
                **({ANCESTRY: self.ancestry} if self.ancestry else {}),
                HISTORY: history_csv(trained.history),
                "curves.png": draw_curves(trained.history),
                "counts.png": plot_counts(before, after),
                "review.png": plot_review_curve(finished.choices["review_below"]),
                "evaluation.json": json.dumps(finished.report, indent=1, sort_keys=True).encode(),
                "evaluation.html": page(finished.report, f"{story.name}: test part").encode(),
            },
        )
        return write_bundle(uri, finished.network, settings, documents)
