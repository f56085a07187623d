"""From a trained network to one that can be released: calibrated, with an out-of-distribution score and thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from melanoma.datasets.splits import TRAIN, VALIDATION, Part
from melanoma.images.decoding import ImageSpec
from melanoma.model.decision import ModelOutput, choose
from melanoma.model.engine import score_all
from melanoma.model.engine_interface import Engine
from melanoma.model.reference_distribution import reference_of
from melanoma.model.tensorflow_engine import TensorFlowEngine
from melanoma.model.view_averaging import with_views
from melanoma.training.calibration import temperature_scaling
from melanoma.training.calibration.ood_score import add_ood_output
from melanoma.training.calibration.temperature_only import retempered, temperature_factor
from melanoma.training.calibration.thresholds import ThresholdConfig, choose_thresholds
from melanoma.training.fitting.trainer import Trained
from melanoma.training.release.decoded_parts import DecodedParts

BATCH = 32
_SMALLEST = 1e-12  # lower bound of probabilities inside a logarithm


@dataclass(frozen=True)
class CalibratedModel:
    """A network with everything that scoring needs.

    Attributes:
        network: Network with the calibration's bias and, if it has feature layers, a second output `ood_score`.
        prior: Class shares that its probabilities refer to, those of the training part.
        temperature: Divisor of the logits.
        thresholds: Thresholds by name, as a bundle keeps them.
        reference: Distribution of its predictions on the validation part.
        choices: How the thresholds were chosen, and how much calibration improved, as JSON values.
        views: How many views of a photograph are averaged.
    """

    network: keras.Model
    prior: tuple[float, ...]
    temperature: float
    thresholds: Mapping[str, float]
    reference: Mapping[str, Any]
    choices: Mapping[str, Any]
    views: int = 1

    def engine(self, spec: ImageSpec) -> Engine:
        """Returns the engine that scores as a bundle of this model would."""
        return _engine(self.network, spec, self.temperature, self.views)


@dataclass(frozen=True)
class Calibrator:
    """Calibrates a network and chooses its thresholds, all on the validation part.

    Attributes:
        parts: Data set that the network was trained on.
        feature_layers: Layers whose outputs show whether a photograph resembles the training photographs; empty for
            a network without `ood_score`.
        rule: Decision rule, `balanced` or `argmax`.
        max_referral_rate: Largest share of photographs that may be referred to a person for low confidence.
        seed: Bootstrap seed.
        views: How many views of a photograph are averaged.
    """

    parts: DecodedParts
    feature_layers: tuple[str, ...]
    rule: str
    max_referral_rate: float
    seed: int
    views: int = 1

    def calibrate(self, trained: Trained) -> CalibratedModel:
        """Calibrates a network whose probabilities refer to the prior that it was trained with."""
        labels, validation = self.parts.dataset.labels, self.parts.part(VALIDATION)
        trained_prior = trained.prior.tolist()
        prior = class_shares(self.parts.part(TRAIN), len(labels))
        raw = np.log(np.maximum(self._score(trained.network, 1.0).probabilities, _SMALLEST))
        fitted = temperature_scaling.fit(raw, validation.truth, prior, trained_prior)
        network = self._finished(trained.network, fitted)
        calibrated = self._score(network, fitted.temperature)
        known = any(validation.sources)  # then the temperature has to hold at each of them
        factor = (
            temperature_factor(calibrated.probabilities, validation.truth, prior, validation.sources) if known else 1.0
        )
        output, temperature = retempered(calibrated, factor), fitted.temperature * factor
        config = ThresholdConfig(prior, self.rule, max_referral_rate=self.max_referral_rate, seed=self.seed)
        chosen = choose_thresholds(labels, output, validation.truth, validation.groups, config, validation.sources)
        checked = temperature_scaling.cross_validate(raw, validation.truth, validation.groups, prior, trained_prior)
        calibration = {"temperature": temperature, "bias": fitted.bias.tolist(), **checked}
        top, _ = choose(output.probabilities, prior, self.rule)
        reference = reference_of(labels, output.probabilities, top, output.ood)
        choices = {**chosen.figures, "calibration": calibration}
        return CalibratedModel(network, prior, temperature, chosen.thresholds, reference, choices, self.views)

    def _score(self, network: keras.Model, temperature: float) -> ModelOutput:
        """Scores the validation part as a bundle with this network and temperature would."""
        engine = _engine(network, self.parts.spec, temperature, self.views)
        return score_all(engine, self.parts.pixels(VALIDATION))

    def _finished(self, network: keras.Model, fitted: temperature_scaling.Calibration) -> keras.Model:
        """Returns the network with its calibration's bias and, if it has feature layers, an `ood_score`."""
        network = temperature_scaling.fold_bias(network, fitted.temperature, fitted.bias)
        if not self.feature_layers:
            return network
        train, validation = self.parts.pixels(TRAIN), self.parts.pixels(VALIDATION)
        return add_ood_output(network, self.feature_layers, train, validation, BATCH)


def class_shares(part: Part, num_classes: int) -> tuple[float, ...]:
    """Returns the share of each class in a part, sum 1."""
    counts = np.bincount(part.truth, minlength=num_classes)
    return tuple((counts / counts.sum()).tolist())


def _engine(network: keras.Model, spec: ImageSpec, temperature: float, views: int) -> Engine:
    size = spec.height, spec.width
    return with_views(TensorFlowEngine(network, size, BATCH, temperature=temperature), views)
