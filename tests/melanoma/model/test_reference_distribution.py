"""The distribution of a network's outputs as a bundle holds it."""

import json

import numpy as np
import pytest

from melanoma.json_values import to_json
from melanoma.model.reference_distribution import BINS, check_reference, histogram, reference_of

SLUGS = ("melanoma", "nevus", "basal_cell_carcinoma")


REFERENCE = reference_of(SLUGS, np.eye(3), np.arange(3), np.array([0.1, 0.2, 1.0]))


def test_a_reference_counts_outputs_by_bin_and_label() -> None:
    assert REFERENCE["n"] == 3 and set(REFERENCE["histograms"]) == {*(f"p_{slug}" for slug in SLUGS), "ood_score"}
    assert REFERENCE["histograms"]["p_nevus"] == pytest.approx([2 / 3, *[0] * 8, 1 / 3])
    assert REFERENCE["histograms"]["ood_score"] == pytest.approx([0, 1 / 3, 1 / 3, *[0] * 6, 1 / 3])
    assert REFERENCE["top_label"] == pytest.approx(dict.fromkeys(SLUGS, 1 / 3))


def test_a_bin_includes_its_lower_end_and_the_last_one_includes_1() -> None:
    edges = np.arange(11) / 10
    assert histogram(edges) == pytest.approx([1 / 11] * 9 + [2 / 11])
    assert histogram(np.array([0.0999999, 0.95, 1.0, 0.0])) == [0.5, *[0] * 8, 0.5]


def test_a_histogram_counts_as_numpy_does_between_the_edges() -> None:
    values = np.random.default_rng(0).beta(2, 5, 5000)
    counts, _ = np.histogram(values, bins=BINS, range=(0, 1))
    assert histogram(values) == pytest.approx(counts / 5000)
    assert histogram(values.astype(np.float32)) == pytest.approx(counts / 5000, abs=2e-3)


def test_a_network_without_an_ood_score_has_no_histogram_of_it() -> None:
    found = reference_of(("a", "b"), np.array([[0.3, 0.7]]), np.array([1]))
    assert set(found["histograms"]) == {"p_a", "p_b"} and found["top_label"] == {"a": 0.0, "b": 1.0}


@pytest.mark.parametrize("ood", [None, np.array([0.0, 0.5, 1.0])])
def test_a_reference_passes_its_own_check_after_json(ood: np.ndarray | None) -> None:
    probabilities = np.random.default_rng(1).dirichlet((1, 1, 1), 3)
    reference = json.loads(to_json(reference_of(SLUGS, probabilities, probabilities.argmax(axis=1), ood)))
    check_reference(reference, SLUGS)
    check_reference({}, SLUGS)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"n": 0}, "reference.n is 0"),
        ({"n": 2.0}, "reference.n is 2.0, expected a int"),
        ({"histograms": {"p_melanoma": [1] + [0] * 9}}, "reference.histograms has the keys 'p_melanoma', expected"),
        ({"top_label": {"melanoma": 1}}, "reference.top_label has the keys 'melanoma', expected"),
        ({"more": 1}, "reference has the keys 'histograms', 'more', 'n', 'top_label', expected"),
    ],
)
def test_a_reference_with_other_entries_is_refused(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_reference({**REFERENCE, **changes}, SLUGS)


@pytest.mark.parametrize(
    ("bins", "text"), [([0.1] * 9, "list of 10"), ([0.2] * 10, "sums to 2"), ([2] + [0] * 9, "is 2")]
)
def test_an_invalid_histogram_is_refused_by_its_column(bins: list[float], text: str) -> None:
    broken = {**REFERENCE, "histograms": {**REFERENCE["histograms"], "ood_score": bins}}
    with pytest.raises(ValueError, match=f"histogram of ood_score .*{text}"):
        check_reference(broken, SLUGS)


def test_rounding_of_shares_is_tolerated() -> None:
    thirds = {"melanoma": 0.3333333, "nevus": 0.3333333, "basal_cell_carcinoma": 0.3333333}
    check_reference({**REFERENCE, "top_label": thirds}, SLUGS)
