"""The chapter about other hospitals."""

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.external import evaluate_source
from melanoma.evaluation.pages.external import external
from tests.helpers.predictions import accounting, random_predictions


def test_sources_stand_beside_the_rest_and_are_escaped() -> None:
    data = accounting(near_duplicates_searched=False)
    part = evaluate_source("<north>", random_predictions(60), data, seed=0)
    html = external({**evaluate(random_predictions(50), 0), "external": [part]})
    assert "external: &lt;north&gt;" in html and "<north>" not in html
    assert "internal: test part" in html and "near duplicates were not searched for" in html


def test_without_external_sources_there_is_no_chapter() -> None:
    assert external(evaluate(random_predictions(50), 0)) == ""
