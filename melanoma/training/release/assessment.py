"""The assessment of a calibrated model: one evaluation on the test part, which was not used for any choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import TEST, TRAIN, VALIDATION, Part
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.external import evaluate_source
from melanoma.evaluation.inputs.predictions import Names, Predictions
from melanoma.model.decision import ModelOutput, Rule, choose
from melanoma.model.description import OOD_ABOVE
from melanoma.model.engine import score_all
from melanoma.model.engine_interface import Engine
from melanoma.training.calibration import ood_detection
from melanoma.training.release.calibrator import CalibratedModel
from melanoma.training.release.decoded_parts import DecodedParts
from melanoma.training.release.external_photographs import ExternalSet
from melanoma.training.release.part_predictions import balanced_accuracy_over, predictions_of

_MAX_SPOILT = 500  # test photographs that are spoilt in every way, to measure how often `ood_score` detects it


@dataclass(frozen=True)
class Assessment:
    """Metrics of a calibrated model.

    Attributes:
        report: Metrics on the test part, as `evaluation.evaluate` returns them.
        gap: Balanced accuracy on the other parts over the classes that the test part evaluates, by part.
        ood_detection: Metrics of `ood_score`, as `ood_detection.measure_detection` returns them; None without it.
        external: Metrics per source that training has not seen, as `external.evaluate_source` returns them.
    """

    report: Mapping[str, Any]
    gap: Mapping[str, Any]
    ood_detection: Mapping[str, Any] | None
    external: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Assessor:
    """Evaluates calibrated models of one data set.

    Attributes:
        parts: Data set that they were trained on.
        rule: Decision rule, `balanced` or `argmax`.
        seed: Bootstrap seed.
        subgroups: Values by name of subgroup and image_id.
        external: Photographs of other sources.
    """

    parts: DecodedParts
    rule: str
    seed: int
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    external: Sequence[ExternalSet] = ()

    def assess(self, model: CalibratedModel) -> Assessment:
        """Evaluates a model on the test part, and compares the result with the other parts."""
        engine = model.engine(self.parts.spec)
        output = score_all(engine, self.parts.pixels(TEST))
        predictions = self._predictions(self.parts.part(TEST), output, model)
        report = evaluate(predictions, self.seed, int(np.argmax(model.prior)))
        by_label = report["by_label"]
        evaluated = [index for index, label in enumerate(self.parts.dataset.labels) if by_label[label]["evaluated"]]
        gap = {name: self._balanced_accuracy(name, engine, model, evaluated) for name in (TRAIN, VALIDATION)}
        detection = self._ood_detection(engine, model) if output.ood is not None else None
        return Assessment(report, gap, detection, [self._at(one, engine, model) for one in self.external])

    def _at(self, one: ExternalSet, engine: Engine, model: CalibratedModel) -> dict[str, Any]:
        output = score_all(engine, load_pixels(one.part.photographs, self.parts.spec))
        predictions = replace(self._predictions(one.part, output, model), subgroups={})
        return evaluate_source(one.source, predictions, one.data, self.seed)

    def _ood_detection(self, engine: Engine, model: CalibratedModel) -> dict[str, Any]:
        pixels = self.parts.pixels(TEST)
        spoilt = np.random.default_rng(self.seed).permutation(len(pixels))[:_MAX_SPOILT]  # pixels are sorted by class
        size = self.parts.spec.height, self.parts.spec.width
        return ood_detection.measure_detection(engine, size, model.thresholds[OOD_ABOVE], self.seed, pixels[spoilt])

    def _predictions(self, part: Part, output: ModelOutput, model: CalibratedModel) -> Predictions:
        """Returns what a nightly run would decide about each photograph."""
        rule = Rule(tuple(self.parts.dataset.labels), model.prior, self.rule, model.thresholds)
        subgroups = {name: _values(part, values) for name, values in self.subgroups.items()}
        return predictions_of(rule, part, output, subgroups)

    def _balanced_accuracy(
        self, name: str, engine: Engine, model: CalibratedModel, labels: Sequence[int]
    ) -> dict[str, Any] | None:
        top, _ = choose(score_all(engine, self.parts.pixels(name)).probabilities, model.prior, self.rule)
        return balanced_accuracy_over(labels, self.parts.part(name), top, self.seed)


def _values(part: Part, values: Mapping[str, str]) -> Names:
    return np.array([values.get(photograph.image_id, "unknown") for photograph in part.photographs])
