"""The evaluation of a calibrated model on its test part."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma.datasets.splits import Dataset, Part
from melanoma.images.decoding import ImageSpec
from melanoma.training.release.assessment import Assessor
from melanoma.training.release.candidate import ReleaseCandidate
from melanoma.training.release.decoded_parts import DecodedParts
from melanoma.training.release.part_predictions import balanced_accuracy_over
from tests.helpers import coloured


@pytest.fixture(scope="module")
def parts(dataset: Dataset) -> DecodedParts:
    return DecodedParts(dataset, ImageSpec(*coloured.SIZE))


def test_parts_are_compared_over_the_classes_that_the_test_part_evaluates() -> None:
    truth = np.repeat([0, 1, 2], 20)
    top = np.where(truth == 2, 0, truth)  # the third class is always predicted as the first
    part = Part([], truth, [str(index) for index in range(60)])
    over = [balanced_accuracy_over(labels, part, top, seed=0) for labels in ((0, 1), (0, 1, 2), (0, 1, 3))]
    assert [found and found["value"] for found in over] == pytest.approx([1, 2 / 3, 1])


def test_a_network_that_separates_colours_is_accurate_on_every_part(candidate: ReleaseCandidate) -> None:
    report, gap = candidate.assessment.report, candidate.assessment.gap
    assert report["n"] == 36 and report["groups"] == 36
    assert report["accuracy"]["value"] == report["balanced_accuracy"]["value"] == 1.0
    assert {name: figure["value"] for name, figure in gap.items()} == {"train": 1.0, "validation": 1.0}
    assert {name: figure["n"] for name, figure in gap.items()} == {"train": 90, "validation": 30}  # evaluated classes


def test_the_baseline_is_the_largest_training_class(candidate: ReleaseCandidate) -> None:
    assert candidate.assessment.report["baseline"]["label"] == "nevus"


def test_classes_with_few_test_photographs_are_not_evaluated(candidate: ReleaseCandidate) -> None:
    by_label = candidate.assessment.report["by_label"]
    assert {label: (figure["n"], figure["evaluated"]) for label, figure in by_label.items()} == {
        "melanoma": (12, True),
        "nevus": (18, True),
        "vascular_lesion": (6, False),
    }


def test_the_flag_is_set_as_in_a_nightly_run(candidate: ReleaseCandidate, parts: DecodedParts) -> None:
    """Flagged where p_melanoma reaches the threshold, computed here from the engine's output."""
    model = candidate.model
    p = np.asarray(model.network(parts.pixels("test").astype(np.float32))[0], np.float64) ** (1 / model.temperature)
    flagged = (p / p.sum(axis=1, keepdims=True))[:, 0] >= model.thresholds["melanoma"] - 1e-7
    truth = parts.part("test").truth
    flag = candidate.assessment.report["flag_melanoma"]
    assert flag["sensitivity"]["value"] == pytest.approx(flagged[truth == 0].mean())
    assert flag["specificity"]["value"] == pytest.approx(1 - flagged[truth != 0].mean())


def test_out_of_distribution_images_are_measured_at_the_threshold(candidate: ReleaseCandidate) -> None:
    detection = candidate.assessment.ood_detection
    assert detection is not None
    assert detection["threshold"] == candidate.model.thresholds["ood_above"] == 0.5
    assert detection["false_alarms"]["n"] == 36
    assert all(rate["n"] == 36 for rate in detection["spoilt"].values())


def test_subgroups_come_from_the_tables_and_others_are_unknown(
    candidate: ReleaseCandidate, parts: DecodedParts
) -> None:
    test = parts.part("test").photographs
    sites = {photograph.image_id: "back" for photograph in test[:20]}
    report = Assessor(parts, "balanced", 0, {"site": sites}).assess(candidate.model).report
    assert {group: figure["n"] for group, figure in report["subgroups"]["site"].items()} == {"back": 20, "unknown": 16}


def test_a_model_without_ood_score_has_no_detection(candidate: ReleaseCandidate, parts: DecodedParts) -> None:
    model = replace(candidate.model, network=candidate.trained.network, temperature=1.0)
    assert Assessor(parts, "argmax", 0).assess(model).ood_detection is None
