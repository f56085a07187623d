"""What the report says about the predictions, with the names of photographs as plain text only."""

from typing import Any

import pytest

from melanoma.labels import name_of
from melanoma.reporting import prediction_sections
from tests.helpers.reports import HOSTILE, Page, content_of

SHARES = {"n": 500, "histograms": {"p_nevus": [0.1] * 10}, "top_label": {"nevus": 0.9, "melanoma": 0.1}}


def judged(index: float, level: str, worst: str = "p_nevus") -> dict[str, Any]:
    return {"judged": True, "columns": {"p_nevus": 0.0, worst: index}, "worst": worst, "level": level}


def content(**changes: Any) -> dict[str, Any]:
    return content_of() | {"seen": SHARES} | changes


def test_classes_are_sorted_by_frequency() -> None:
    texts = Page(prediction_sections.classes(content())).texts
    assert texts.index(name_of("nevus")) < texts.index("Melanoma") and "90.0%" in texts and "10.0%" in texts
    assert texts[-1] == "No earlier runs of this model."


@pytest.mark.parametrize(("runs", "last"), [(1, "the last run of"), (7, "the last 7 runs of")])
def test_the_reference_of_a_comparison_is_described(runs: int, last: str) -> None:
    earlier = {"nights": runs, "n": 1500, "top_label": {"nevus": 1.0}}
    text = Page(prediction_sections.classes(content(earlier=earlier, reference=SHARES))).text
    assert f"Earlier: 1,500 photographs from {last} this model." in text
    assert "Reference: 500 validation photographs of the bundle." in text


@pytest.mark.parametrize(
    ("index", "level", "verdict"),
    [
        (0.02, "calm", "no drift"),
        (0.15, "look", "some drift, worth a look"),
        (0.31, "warn", "the distributions differ clearly (above 0.2)"),
    ],
)
def test_the_verdict_states_level_index_and_column(index: float, level: str, verdict: str) -> None:
    drift = {"bundle": judged(index, level), "earlier": judged(index, level, worst="top_label")}
    text = Page(prediction_sections.drift(content(drift=drift))).text
    assert (
        f"the bundle's validation photographs: {verdict}. The largest PSI is {index:.2f} ({name_of('nevus')})." in text
    )
    assert f"the previous runs: {verdict}. The largest PSI is {index:.2f} (the predicted classes)." in text


def test_the_out_of_distribution_score_has_a_readable_name() -> None:
    histograms = {"p_nevus": [0.1] * 10, "ood_score": [0.1] * 10}
    drift = {name: judged(0.31, "warn", worst="ood_score") for name in ("bundle", "earlier")}
    page = Page(prediction_sections.drift(content(seen=SHARES | {"histograms": histograms}, drift=drift)))
    assert "Out-of-distribution score" in page.texts and "(Out-of-distribution score)." in page.text
    assert page.elements["figure"] == 2 and "ood_score" not in page.text


def test_too_few_photographs_are_not_assessed() -> None:
    text = Page(prediction_sections.drift(content())).text
    assert (
        "Not compared with the previous runs: fewer than 200 photographs." in text and "needs 200 photographs" in text
    )


def test_a_sample_shows_why_each_photograph_is_in_it() -> None:
    page = Page(prediction_sections.sample(content()))
    assert page.elements["h3"] == 3 and page.elements["img"] == 0
    assert {"0.010", "0.400", "0.900", "Melanoma"} <= set(page.texts)
    assert page.text.count("<img src=x onerror=alert(1)>") == 3 and "\x1b" not in page.text and HOSTILE not in page.text


def test_the_disclaimer_precedes_the_probabilities_of_melanoma() -> None:
    html = prediction_sections.sample(content())
    assert html.index("not a diagnosis") < html.index("Highest probabilities of melanoma")
    plain = content(sample={"least_certain": content()["sample"]["least_certain"], "most_moved": []})
    assert "Highest probabilities" not in prediction_sections.sample(plain)


def test_sections_without_content_are_left_out() -> None:
    for section in (prediction_sections.classes, prediction_sections.drift, prediction_sections.sample):
        assert section({}) == ""
    assert prediction_sections.sample(content(sample={"least_certain": [], "most_moved": []})) == ""
