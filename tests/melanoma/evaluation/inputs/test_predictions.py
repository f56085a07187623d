"""Predictions are arrays of one length, and selecting some photographs keeps them consistent."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma.evaluation.inputs.predictions import MIN_TEST_PHOTOGRAPHS
from tests.helpers.predictions import predictions_of, random_predictions


@pytest.mark.parametrize(
    "wrong",
    [
        {"flagged": np.zeros(299, np.bool_)},
        {"review": np.zeros(301, np.bool_)},
        {"subgroups": {"sex": np.full(10, "f")}},
        {"groups": np.full(3, "lesion")},
        {"probabilities": np.full((300, 2), 0.5, np.float32)},
    ],
)
def test_arrays_of_different_length_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="300 photographs of 3 classes"):
        replace(random_predictions(300), **wrong)


@pytest.mark.parametrize("wrong", [{"top": np.full(300, 3)}, {"truth": np.full(300, -1)}])
def test_classes_that_do_not_exist_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="between 0 and 2"):
        replace(random_predictions(300), **wrong)


def test_predictions_may_be_empty() -> None:
    nothing = predictions_of([], [])
    assert (nothing.n, nothing.counts().tolist(), nothing.evaluated()) == (0, [0, 0, 0], [])


def test_a_class_is_evaluated_from_ten_photographs_on() -> None:
    truth = [0] * (MIN_TEST_PHOTOGRAPHS - 1) + [2] * MIN_TEST_PHOTOGRAPHS
    predictions = predictions_of([[0.2, 0.3, 0.5]] * len(truth), truth)
    assert predictions.counts().tolist() == [9, 0, 10]
    assert predictions.evaluated() == [2]


def test_melanoma_is_found_at_any_place() -> None:
    assert random_predictions(5).melanoma == 0
    assert predictions_of([[0.5, 0.5]], [0], ("nevus", "melanoma")).melanoma == 1
    assert predictions_of([[0.5, 0.5]], [0], ("nevus", "scar")).melanoma is None


def test_a_mask_selects_from_every_array() -> None:
    flags = np.arange(30) % 3 == 0
    sex = np.where(np.arange(30) < 10, "f", "m")
    whole = random_predictions(30, flagged=flags, review=~flags, subgroups={"sex": sex})
    part = whole.where(np.arange(30) >= 5)
    assert part.n == 25
    assert part.truth.tolist() == whole.truth[5:].tolist()
    assert part.top.tolist() == whole.top[5:].tolist()
    assert part.probabilities.tolist() == whole.probabilities[5:].tolist()
    assert part.groups.tolist() == whole.groups[5:].tolist()
    assert part.flagged is not None and part.flagged.tolist() == flags[5:].tolist()
    assert part.review is not None and part.review.tolist() == (~flags)[5:].tolist()
    assert part.subgroups["sex"].tolist() == sex[5:].tolist()
    assert random_predictions(30).where(flags).flagged is None
