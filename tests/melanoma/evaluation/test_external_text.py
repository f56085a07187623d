"""External results in words: beside the internal ones, with what was left out and what does not hold."""

from typing import Any

import pytest

from melanoma.evaluation.evaluate import evaluate
from melanoma.evaluation.external import evaluate_source
from melanoma.evaluation.external_text import source_sentences, source_table
from tests.helpers.predictions import accounting, random_predictions

DATA = {"near_duplicates_searched": True, "classes_without_label": []}


def part(source: str, threshold: float = 0.2, **data: Any) -> dict[str, Any]:
    drawn = random_predictions(200, strength=0.5)
    flagged = random_predictions(200, strength=0.5, flagged=drawn.probabilities[:, 0] > threshold)
    return evaluate_source(source, flagged, accounting(**DATA | data), seed=0)


def test_each_source_has_a_column_beside_the_internal_one() -> None:
    internal, north = evaluate(random_predictions(100), 0), part("north")
    rows = {row[0]: row[1:] for row in source_table(internal, [north])}
    assert rows[""] == ["internal: test part", "external: north"]
    assert rows["photographs"] == ["100", "200"]
    value = north["flag_melanoma"]["sensitivity"]
    assert rows["melanoma flag: sensitivity"][1] == f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
    assert rows["melanoma flag: sensitivity"][0] == "–"
    assert "Melanocytic nevus: AUC" in rows and "share set for review" not in rows


def test_the_worst_source_comes_first_where_the_flag_does_not_hold() -> None:
    good, bad, worse = part("good", 0.0), part("bad", 0.4), part("worse", 0.6)
    first = source_sentences([bad, good, worse], flag_aim=0.95)[0]
    assert first.startswith("The melanoma flag was chosen to find 95 % of the melanomas. It finds fewer at worse: 0.")
    assert "; at bad: 0." in first and "good" not in first
    assert "at the worst source, good, it finds 1.000" in source_sentences([good], flag_aim=0.95)[0]
    assert not any("was chosen" in sentence for sentence in source_sentences([bad]))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"trained_on": []}, "north: whether training has seen some of its photographs was not checked"),
        ({}, "north: none of its photographs is among those of training, validation or test."),
        ({"near_duplicates_searched": False}, "test; near duplicates were not searched for."),
        (
            {"photographs_trained_on": 3, "photographs_trained_on_by": {"content": 2, "near_duplicate": 1}},
            "3 photographs left out, in training, validation or test (2 by their bytes, 1 because they look alike).",
        ),
        ({"classes_unknown_to_model": {"scar": 2}}, "because the model does not know their classes: scar (2)."),
    ],
)
def test_what_was_left_out_is_said(data: dict[str, Any], text: str) -> None:
    assert any(text in sentence for sentence in source_sentences([part("north", **data)]))


def test_probabilities_that_are_off_by_more_than_chance_are_named() -> None:
    off = part("north")
    off["calibration"] = {"error": {"value": 0.2}, "perfect": {"high": 0.1}}
    assert any("not calibrated at north (0.200)" in sentence for sentence in source_sentences([off]))
    off["calibration"]["error"]["value"] = 0.05
    assert not any("calibrated" in sentence for sentence in source_sentences([off]))
