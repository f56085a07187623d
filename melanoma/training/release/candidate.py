"""A release candidate: a trained network, calibrated, with thresholds, and evaluated once."""

from typing import NamedTuple

from melanoma.training.fitting.trainer import Trained
from melanoma.training.networks.registry import network_named
from melanoma.training.release.assessment import Assessment, Assessor
from melanoma.training.release.calibrator import CalibratedModel, Calibrator
from melanoma.training.release.decoded_parts import DecodedParts
from melanoma.training.release.training_job import TrainingJob


class ReleaseCandidate(NamedTuple):
    """Everything that a bundle is written from.

    Attributes:
        trained: Result of the training.
        model: The calibrated network, as it will score.
        assessment: Its evaluation.
    """

    trained: Trained
    model: CalibratedModel
    assessment: Assessment


def make_candidate(job: TrainingJob, trained: Trained) -> ReleaseCandidate:
    """Calibrates a network and chooses thresholds on the validation part, then evaluates once on the test part."""
    parts = DecodedParts(job.prepared.dataset, job.spec)
    feature_layers = network_named(job.network).feature_layers
    model = Calibrator(parts, feature_layers, job.rule, job.max_referral_rate, job.seed, job.views).calibrate(trained)
    assessor = Assessor(parts, job.rule, job.seed, job.subgroups, job.external)
    return ReleaseCandidate(trained, model, assessor.assess(model))
