"""Measures a finished network anew, under any engine, precision and number of views: what a bundle states about it.

The network's weights stay as they are. Temperature and thresholds are chosen on validation photographs, and the figures
come from one evaluation on test photographs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from melanoma.datasets.photographs import load_pixels
from melanoma.datasets.splits import Part
from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.external import evaluate_source
from melanoma.evaluation.inputs.predictions import Predictions
from melanoma.evaluation.metrics import bootstrap
from melanoma.evaluation.metrics.calibration import calibration_error, equal_mass_bins
from melanoma.model.bundle import Bundle
from melanoma.model.decision import ModelOutput, Rule
from melanoma.model.engine import score_all
from melanoma.model.engine_interface import Engine
from melanoma.model.reference_distribution import reference_of
from melanoma.training.calibration.temperature_only import retempered, temperature_factor
from melanoma.training.calibration.thresholds import (
    MAX_REFERRAL_RATE,
    ChosenThresholds,
    ThresholdConfig,
    choose_thresholds,
)
from melanoma.training.release.external_photographs import ExternalSet
from melanoma.training.release.part_predictions import balanced_accuracy_over, predictions_of


@dataclass(frozen=True)
class Photographs:
    """What a network is measured on; neither part was trained on.

    Attributes:
        validation: Temperature and thresholds are chosen on these photographs. Where they have sources, the worst
            source decides.
        test: The evaluation is on these.
        external: Photographs of further sources, evaluated apart.
    """

    validation: Part
    test: Part
    external: Sequence[ExternalSet] = ()


@dataclass(frozen=True)
class Measured:
    """What a bundle states about its network.

    Attributes:
        temperature: Divisor of the logits.
        thresholds: Thresholds by name.
        reference: Distribution of the outputs on the validation part.
        choices: How temperature and thresholds were chosen, JSON values.
        validation: Balanced accuracy on the validation part: value, low, high and n.
        report: Metrics on the test part, as `evaluation.evaluate` returns them.
        external: Metrics per further source, as `external.evaluate_source` returns them.
        validation_output: Outputs for the validation part, under the temperature.
        test_output: Outputs for the test part, likewise.
    """

    temperature: float
    thresholds: Mapping[str, float]
    reference: Mapping[str, Any]
    choices: Mapping[str, Any]
    validation: Mapping[str, Any] | None
    report: Mapping[str, Any]
    external: Sequence[Mapping[str, Any]]
    validation_output: ModelOutput
    test_output: ModelOutput


@dataclass(frozen=True)
class Measurer:
    """Measures one bundle on the same photographs as often as needed.

    Attributes:
        bundle: Labels, prior, decision rule, and the temperature that every engine applies.
        photographs: What it is measured on, labelled in the order of the bundle's labels.
        max_referral_rate: Largest share of photographs that may be referred for low confidence, 0 to below 1.
        seed: Bootstrap seed.
        keep_temperature: Whether the temperature stays as it is.
    """

    bundle: Bundle
    photographs: Photographs
    max_referral_rate: float = MAX_REFERRAL_RATE
    seed: int = 0
    keep_temperature: bool = False

    def measure(self, engine: Engine) -> Measured:
        """Chooses temperature and thresholds under an engine, and evaluates once.

        Args:
            engine: Runs the bundle's network with the bundle's temperature, in any precision; `with_views` makes one
                that averages views.

        Raises:
            DataError: A photograph cannot be read.
        """
        bundle, validation = self.bundle, self.photographs.validation
        raw = self._score(engine, validation)
        factor = 1.0 if self.keep_temperature else self._factor(raw)
        output, tested = retempered(raw, factor), retempered(self._score(engine, self.photographs.test), factor)
        chosen = self._chosen(output)
        predictions = self._predictions(validation, output, chosen.thresholds)
        on_test = self._predictions(self.photographs.test, tested, chosen.thresholds)
        return Measured(
            temperature=bundle.temperature * factor,
            thresholds=chosen.thresholds,
            reference=reference_of(bundle.slugs, output.probabilities, predictions.top, output.ood),
            choices={**chosen.figures, "calibration": self._calibration(raw, output, factor)},
            validation=balanced_accuracy_over(predictions.evaluated(), validation, predictions.top, self.seed),
            report=evaluate(on_test, self.seed, int(np.argmax(bundle.prior))),
            external=[self._at(one, engine, factor, chosen.thresholds) for one in self.photographs.external],
            validation_output=output,
            test_output=tested,
        )

    def _chosen(self, output: ModelOutput) -> ChosenThresholds:
        bundle, part = self.bundle, self.photographs.validation
        aims = ThresholdConfig(
            bundle.prior, bundle.decision_rule, max_referral_rate=self.max_referral_rate, seed=self.seed
        )
        return choose_thresholds(bundle.slugs, output, part.truth, part.groups, aims, part.sources)

    def _at(
        self, one: ExternalSet, engine: Engine, factor: float, thresholds: Mapping[str, float]
    ) -> Mapping[str, Any]:
        output = retempered(self._score(engine, one.part), factor)
        return evaluate_source(one.source, self._predictions(one.part, output, thresholds), one.data, self.seed)

    def _calibration(self, raw: ModelOutput, output: ModelOutput, factor: float) -> Mapping[str, Any]:
        part = self.photographs.validation
        return {
            "temperature": self.bundle.temperature * factor,
            "before": self._calibration_error(part, raw),
            "after": self._calibration_error(part, output),
        }

    def _score(self, engine: Engine, part: Part) -> ModelOutput:
        return score_all(engine, load_pixels(part.photographs, self.bundle.spec))

    def _factor(self, raw: ModelOutput) -> float:
        part = self.photographs.validation
        return temperature_factor(raw.probabilities, part.truth, self.bundle.prior, part.sources)

    def _calibration_error(self, part: Part, output: ModelOutput) -> Mapping[str, Any] | None:
        """Returns the calibration error on all photographs of a part: value, low, high, n."""
        right = output.probabilities.argmax(axis=1) == part.truth
        metric = {"": calibration_error(equal_mass_bins(output.probabilities.max(axis=1), right))}
        return bootstrap.estimates(metric, np.asarray(part.groups), self.seed)[""]

    def _predictions(self, part: Part, output: ModelOutput, thresholds: Mapping[str, float]) -> Predictions:
        """Returns what a nightly run would decide."""
        bundle = self.bundle
        return predictions_of(Rule(bundle.slugs, bundle.prior, bundle.decision_rule, thresholds), part, output)
