"""The distribution of a network's outputs as a bundle holds it."""

import numpy as np
import pytest

from melanoma.model.reference_distribution import reference_of

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")


REFERENCE = reference_of(SLUGS, np.eye(3), np.arange(3), np.array([0.1, 0.2, 1.0]))


def test_a_reference_sums_up_what_was_said() -> None:
    assert REFERENCE["n"] == 3 and set(REFERENCE["histograms"]) == {*(f"p_{slug}" for slug in SLUGS), "ood_score"}
    assert REFERENCE["histograms"]["p_nevus"] == pytest.approx([2 / 3, *[0] * 8, 1 / 3])
    assert REFERENCE["histograms"]["ood_score"] == pytest.approx([0, 1 / 3, 1 / 3, *[0] * 6, 1 / 3])
    assert REFERENCE["top_label"] == pytest.approx(dict.fromkeys(SLUGS, 1 / 3))
