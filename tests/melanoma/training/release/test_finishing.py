"""From a trained network to what ships."""

import numpy as np
import pytest

from melanoma.datasets.splits import Dataset, Part
from melanoma.images.decoding import ImageSpec
from melanoma.model.decision import ModelOutput
from melanoma.training.release.finishing import Finisher


def test_parts_are_compared_over_the_classes_that_the_test_part_judges() -> None:
    finisher = Finisher(Dataset([], np.array([], np.str_)), ImageSpec(8, 8), (), "argmax", 0.2, 0)
    truth = np.repeat([0, 1, 2], 20)
    said = np.where(truth == 2, 0, truth)  # all of the third class are taken for the first
    part = Part([], truth, [str(index) for index in range(60)])
    scores = ModelOutput(np.eye(3, dtype=np.float32)[said], None)
    prior = (1 / 3, 1 / 3, 1 / 3)
    over = {labels: finisher._gap(part, scores, prior, labels) for labels in ((0, 1), (0, 1, 2), (0, 1, 3))}
    assert [found and found["value"] for found in over.values()] == pytest.approx([1, 2 / 3, 1])
