"""From a trained network to what ships: calibrated, aware of strangers, with thresholds, and judged once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import TEST, TRAIN, VALIDATION, Dataset, Part
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.inputs.predictions import Names, Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.accuracy import balanced_accuracy
from melanoma.images.decoding import ImageSpec
from melanoma.model.decision import ModelOutput, Rule, choose, decide
from melanoma.model.description import OOD_ABOVE
from melanoma.model.engine import Engine, score_all
from melanoma.model.reference_distribution import reference_of
from melanoma.training.calibration import ood_detection, temperature_scaling
from melanoma.training.calibration.ood_score import add_ood_output
from melanoma.training.calibration.thresholds import ThresholdConfig, choose_thresholds
from melanoma.training.fitting.trainer import Trained

_BATCH = 32
_SPOILT = 500  # test photographs that are spoilt in every way, to see whether it is noticed


@dataclass(frozen=True)
class Finished:
    """A network ready to ship.

    Attributes:
        network: With its calibration folded in, and a second output `ood_score`.
        prior: Class shares that its probabilities refer to, those of the training part.
        temperature: Divides the logits.
        thresholds: As a bundle holds them.
        reference: What it says of the validation part.
        choices: How the thresholds were chosen, and what calibration was worth, JSON values.
        report: Of the test part, as `evaluation.evaluate` gives it.
        gap: Balanced accuracy of the other parts over the classes that the test part judges, by part.
    """

    network: keras.Model
    prior: tuple[float, ...]
    temperature: float
    thresholds: Mapping[str, float]
    reference: Mapping[str, Any]
    choices: Mapping[str, Any]
    report: Mapping[str, Any]
    gap: Mapping[str, Any]


@dataclass(frozen=True)
class Finisher:
    """What finishing needs besides the network.

    Attributes:
        dataset: That it was trained on.
        spec: What the decoder delivers.
        landmarks: Layers by which photographs are known; none for no `ood_score`.
        rule: `balanced` or `argmax`.
        most_sent: Share of the validation part that may be sent to a person for lack of confidence.
        seed: Of the resampling.
        subgroups: Values by name of subgroup and image_id.
    """

    dataset: Dataset
    spec: ImageSpec
    landmarks: tuple[str, ...]
    rule: str
    most_sent: float
    seed: int
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def finish(self, trained: Trained) -> Finished:
        """Calibrates and chooses on the validation part, then judges on the test part.

        Args:
            trained: Whose network gives probabilities that refer to its own prior.
        """
        labels, train, validation = self.dataset.labels, self.dataset.part(TRAIN), self.dataset.part(VALIDATION)
        counts = np.bincount(train.truth, minlength=len(labels))
        prior = tuple((counts / counts.sum()).tolist())
        seen, looked = load_pixels(train.photographs, self.spec), load_pixels(validation.photographs, self.spec)
        raw = np.log(np.maximum(score_all(self._engine(trained.network), looked).probabilities, 1e-12))
        fitted = temperature_scaling.fit(raw, validation.truth, prior, trained.prior.tolist())
        network = temperature_scaling.fold_bias(trained.network, fitted.temperature, fitted.bias)
        if self.landmarks:
            network = add_ood_output(network, self.landmarks, seen, looked, _BATCH)
        engine = self._engine(network, fitted.temperature)
        said = score_all(engine, looked)
        config = ThresholdConfig(prior, self.rule, max_referral_rate=self.most_sent, seed=self.seed)
        thresholds, choices = choose_thresholds(labels, said, validation.truth, validation.groups, config)
        checked = temperature_scaling.cross_validate(
            raw, validation.truth, validation.groups, prior, trained.prior.tolist()
        )
        choices |= {"calibration": {"temperature": fitted.temperature, "bias": fitted.bias.tolist(), **checked}}
        known = score_all(engine, seen)
        test = self.dataset.part(TEST)
        judged = load_pixels(test.photographs, self.spec)
        answers = score_all(engine, judged)
        if answers.ood is not None:
            spoilt = np.random.default_rng(self.seed).permutation(len(judged))[:_SPOILT]  # they lie sorted by class
            choices |= {
                "strangers": ood_detection.measure_detection(engine, thresholds[OOD_ABOVE], self.seed, judged[spoilt])
            }
        report = evaluate(self._predictions(test, answers, prior, thresholds), self.seed, int(counts.argmax()))
        judged_labels = [index for index, label in enumerate(labels) if report["by_label"][label]["evaluated"]]
        parts = {TRAIN: (train, known), VALIDATION: (validation, said)}
        gap = {name: self._gap(part, scores, prior, judged_labels) for name, (part, scores) in parts.items()}
        return Finished(
            network,
            prior,
            fitted.temperature,
            thresholds,
            reference_of(labels, said.probabilities, choose(said.probabilities, prior, self.rule)[0], said.ood),
            choices,
            report,
            gap,
        )

    def _engine(self, network: keras.Model, temperature: float = 1.0) -> Engine:
        return Engine(network, (self.spec.height, self.spec.width), _BATCH, temperature=temperature)

    def _predictions(
        self, part: Part, scores: ModelOutput, prior: tuple[float, ...], thresholds: Mapping[str, float]
    ) -> Predictions:
        """Says of each photograph what a night would say of it."""
        labels = tuple(self.dataset.labels)
        decision = decide(Rule(labels, prior, self.rule, thresholds), scores)
        return Predictions(
            labels,
            part.truth,
            scores.probabilities,
            decision.top_index,
            np.asarray(part.groups),
            decision.flag_melanoma,
            decision.review,
            {name: self._values(part, values) for name, values in self.subgroups.items()},
        )

    def _values(self, part: Part, values: Mapping[str, str]) -> Names:
        return np.array([values.get(photograph.image_id, "unknown") for photograph in part.photographs])

    def _gap(
        self, part: Part, scores: ModelOutput, prior: tuple[float, ...], labels: Sequence[int]
    ) -> dict[str, Any] | None:
        """Gives the balanced accuracy over those of the classes that the part shows."""
        top, _ = choose(scores.probabilities, prior, self.rule)
        evaluated = sorted(set(labels) & set(part.truth.tolist()))
        measure = {"": balanced_accuracy(part.truth, top, evaluated)}
        return bootstrap.estimates(measure, np.asarray(part.groups), self.seed)[""]
