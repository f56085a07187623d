"""What a decision rule makes of the probabilities of a row, against the function that decided."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma.errors import BundleError
from melanoma.model.bundle_search import list_bundles
from melanoma.model.decision import RAREST, choose
from melanoma.model.description import Description
from melanoma.queries.decisions import (
    Probability,
    differs_from_largest,
    models_in,
    most_likely_classes,
    rules_of,
    weighed_classes,
)


@pytest.fixture(scope="module")
def rule() -> Description:
    (found,) = (bundle.description for bundle in list_bundles() if bundle.name == "ham10000-lite0-taught")
    assert found is not None and found.decision_rule == "balanced"
    return found


def test_the_most_likely_classes_are_sorted_by_probability() -> None:
    values = {"p_a": 0.1, "p_b": 0.5, "p_c": None, "p_d": 0.4, "top_probability": 0.5}
    assert most_likely_classes(values) == [Probability("b", 0.5), Probability("d", 0.4), Probability("a", 0.1)]
    assert most_likely_classes(values, count=1) == [Probability("b", 0.5)]


@pytest.mark.parametrize("has_rare_class", [False, True])
def test_the_largest_quotient_is_the_class_that_the_rule_chooses(rule: Description, has_rare_class: bool) -> None:
    if has_rare_class:
        rule = replace(rule, prior=(RAREST / 2, *rule.prior[1:]))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(rule.slugs)), 200)
    chosen, _ = choose(probabilities, rule.prior, rule.decision_rule)
    for values, place in zip(probabilities, chosen, strict=True):
        row = {f"p_{slug}": value for slug, value in zip(rule.slugs, values, strict=True)}
        found = weighed_classes(row, rule)
        assert found[0].slug == rule.slugs[place] and found[0].quotient == pytest.approx(
            found[0].probability / found[0].divisor
        )
        assert most_likely_classes(row, 1)[0].slug in {entry.slug for entry in found}
        assert all((entry.divisor == entry.prior) == (entry.prior >= RAREST) for entry in found)


def test_only_a_class_that_is_not_the_most_probable_one_needs_an_explanation() -> None:
    row = {"p_a": 0.4, "p_b": 0.6, "top_label": "a", "model_id": "m-1"}
    assert differs_from_largest(row) and not differs_from_largest({**row, "top_label": "b"})
    assert not differs_from_largest({**row, "top_label": None})
    assert models_in([row, row, {**row, "model_id": "m-2", "top_label": "b"}]) == ["m-1"]


def test_rules_are_found_by_the_ids_of_models(rule: Description) -> None:
    assert rules_of([rule.model_id, "m-unknown"], []) == {rule.model_id: rule}
    assert rules_of([rule.model_id], ["ham10000-lite0-taught"]) == {rule.model_id: rule}
    assert rules_of([], []) == {}
    with pytest.raises(BundleError, match="--bundle nosuch: "):
        rules_of([rule.model_id], ["nosuch"])
