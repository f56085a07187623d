"""Calibration and thresholds are chosen on the validation part."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from melanoma.datasets.splits import Dataset, Part
from melanoma.images.decoding import ImageSpec
from melanoma.model.engine import score_all
from melanoma.training.release.calibrator import Calibrator, class_shares
from melanoma.training.release.candidate import ReleaseCandidate
from melanoma.training.release.decoded_parts import DecodedParts
from tests.helpers import coloured, trainings

SPEC = ImageSpec(*coloured.SIZE)


@pytest.fixture(scope="module")
def parts(dataset: Dataset) -> DecodedParts:
    return DecodedParts(dataset, SPEC)


def test_the_prior_has_the_class_shares_of_the_training_part(candidate: ReleaseCandidate) -> None:
    assert candidate.model.prior == pytest.approx((36 / 108, 54 / 108, 18 / 108))


def test_shares_count_classes_without_a_photograph() -> None:
    part = Part([], np.array([2, 0, 2, 2]), [])
    assert class_shares(part, 4) == pytest.approx((0.25, 0, 0.75, 0))


def test_the_engine_scores_the_calibrated_probabilities(candidate: ReleaseCandidate, parts: DecodedParts) -> None:
    """softmax(log p / temperature + bias), computed here from the uncalibrated network."""
    model, pixels = candidate.model, parts.pixels("validation")
    calibration = model.choices["calibration"]
    p = np.asarray(candidate.trained.network(pixels.astype(np.float32)), np.float64)
    expected = np.exp(np.log(p) / calibration["temperature"] + calibration["bias"])
    expected /= expected.sum(axis=1, keepdims=True)
    output = score_all(model.engine(SPEC), pixels)
    np.testing.assert_allclose(output.probabilities, expected, atol=1e-5)
    assert model.temperature == calibration["temperature"]


def test_an_overconfident_network_gets_a_temperature_above_one(parts: DecodedParts, dataset: Dataset) -> None:
    trained = trainings.trained(dataset)
    kernel, bias = trained.network.get_layer("probabilities").get_weights()
    rng = np.random.default_rng(0)
    noisy = keras.models.clone_model(trained.network)
    noisy.get_layer("probabilities").set_weights([-kernel[:, rng.permutation(3)], -bias])
    temperatures = [
        Calibrator(parts, (), "argmax", 0.2, 0).calibrate(each).temperature
        for each in (trained, trained._replace(network=noisy))
    ]
    assert temperatures[1] > 1 and temperatures[1] > temperatures[0]


def test_thresholds_and_reference_follow_from_the_validation_part(
    candidate: ReleaseCandidate, parts: DecodedParts
) -> None:
    model = candidate.model
    output = score_all(model.engine(SPEC), parts.pixels("validation"))
    truth = parts.part("validation").truth
    assert set(model.thresholds) == {"melanoma", "review_below", "ood_above"}
    found = output.probabilities[truth == 0, 0] >= model.thresholds["melanoma"] - 1e-6
    assert found.mean() >= 0.95
    assert model.choices["review_below"]["most_sent"] == 0.2
    assert output.ood is not None and (output.ood > model.thresholds["ood_above"]).mean() <= 0.05
    assert set(model.choices) == {"melanoma", "review_below", "ood_above", "calibration"}


def test_a_network_without_feature_layers_has_no_ood_score(parts: DecodedParts, dataset: Dataset) -> None:
    model = Calibrator(parts, (), "argmax", 0.2, 0).calibrate(trainings.trained(dataset))
    assert score_all(model.engine(SPEC), parts.pixels("test")).ood is None
    assert "ood_above" not in model.thresholds and "ood_above" not in model.choices


def test_the_referral_rate_bounds_how_many_are_referred(parts: DecodedParts, dataset: Dataset) -> None:
    calibrator = Calibrator(parts, (), "argmax", 0.0, 0)
    none, half = (
        replace(calibrator, max_referral_rate=rate).calibrate(trainings.trained(dataset)) for rate in (0.0, 0.5)
    )
    assert none.thresholds["review_below"] < half.thresholds["review_below"]
    assert none.choices["review_below"]["sent"]["value"] == 0
    assert half.choices["review_below"]["sent"]["value"] <= 0.5


def test_calibration_does_not_change_the_trained_network(parts: DecodedParts, dataset: Dataset) -> None:
    trained = trainings.trained(dataset)
    before = trained.network.get_weights()
    Calibrator(parts, ("block1_activation",), "balanced", 0.2, 0).calibrate(trained)
    for ours, theirs in zip(before, trained.network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shares", [(1 / 3, 1 / 2, 1 / 6), (0.8, 0.1, 0.1)])
def test_the_bias_converts_epoch_shares_to_training_shares(
    parts: DecodedParts, dataset: Dataset, shares: tuple[float, ...]
) -> None:
    """The classes are so far apart that the photographs say nothing about the biases, only the two priors do."""
    trained = trainings.trained(dataset, prior=np.array(shares))
    bias = Calibrator(parts, (), "argmax", 0.2, 0).calibrate(trained).choices["calibration"]["bias"]
    expected = np.log([1 / 3, 1 / 2, 1 / 6]) - np.log(shares)
    assert bias == pytest.approx(expected - expected.mean(), abs=0.3)


def test_views_are_calibrated_as_they_are_scored(parts: DecodedParts, dataset: Dataset) -> None:
    trained = trainings.trained(dataset)
    model = Calibrator(parts, (), "argmax", 0.2, 0, views=2).calibrate(trained)
    pixels = parts.pixels("validation")
    views = [np.asarray(trained.network(view.astype(np.float32)), np.float64) for view in (pixels, pixels[:, :, ::-1])]
    calibration = model.choices["calibration"]
    logits = np.log(views).mean(axis=0) / model.temperature + calibration["bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(score_all(model.engine(SPEC), pixels).probabilities, expected, atol=1e-5)


def test_the_temperature_holds_at_the_source_where_the_network_is_overconfident(tmp_path: Path) -> None:
    """At the second source every third photograph of the validation part is filed under another class."""
    photographs = coloured.dataset(tmp_path, trainings.COUNTS)
    labels = photographs.labels
    changed = [
        replace(one, source=source, label=labels[0] if source == "b" and number % 3 == 0 else one.label)
        for number, one in enumerate(photographs.photographs)
        for source in ("a", "b")
    ]
    sourced = Dataset(changed, np.repeat(photographs.parts, 2))
    plain = Dataset([replace(one, source="") for one in changed], sourced.parts)
    trained = trainings.trained(photographs)
    pooled, worst = (
        Calibrator(DecodedParts(each, SPEC), (), "argmax", 0.2, 0).calibrate(trained) for each in (plain, sourced)
    )
    assert worst.temperature != pytest.approx(pooled.temperature, rel=0.02)
    assert worst.choices["calibration"]["bias"] == pytest.approx(pooled.choices["calibration"]["bias"])
