"""The evaluation of a calibrated model on its test part."""

import numpy as np
import pytest

from melanoma.datasets.splits import Part
from melanoma.training.release.assessment import balanced_accuracy_over


def test_parts_are_compared_over_the_classes_that_the_test_part_evaluates() -> None:
    truth = np.repeat([0, 1, 2], 20)
    top = np.where(truth == 2, 0, truth)  # the third class is always mistaken for the first
    part = Part([], truth, [str(index) for index in range(60)])
    over = [balanced_accuracy_over(labels, part, top, seed=0) for labels in ((0, 1), (0, 1, 2), (0, 1, 3))]
    assert [found and found["value"] for found in over] == pytest.approx([1, 2 / 3, 1])
