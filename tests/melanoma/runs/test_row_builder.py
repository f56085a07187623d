"""A row tells what became of its photograph, and what is not a probability becomes no probability."""

import datetime
from dataclasses import replace

import numpy as np
import pytest

from melanoma.errors import ErrorKind, PhotographError
from melanoma.model.bundle import Bundle
from melanoma.model.decision import ModelOutput
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.run import Run
from melanoma.table.schema import score_schema
from tests.helpers.built_rows import KEPT, ROWS, loaded, table_of


def test_a_scored_row_says_everything_of_its_photograph(run: Run, bundle: Bundle) -> None:
    before = datetime.datetime.now(datetime.UTC)
    table = table_of(run, bundle)
    assert table.schema.equals(score_schema(bundle.slugs, KEPT))
    first, second = table.to_pylist()
    assert before <= first.pop("scored_at") <= datetime.datetime.now(datetime.UTC)
    assert first == {
        "image_id": "id of a",
        "image_uri": "file:///in/a.jpg",
        "image_version": "version of a",
        "run_date": datetime.date(2026, 1, 2),
        "run_id": run.run_id,
        "status": "scored",
        "error_kind": None,
        "error": None,
        "attempt": 3,
        "width": 600,
        "height": 450,
        "image_sha256": "ab" * 32,
        "top_label": "melanoma",
        "top_probability": 0.5,
        "flag_melanoma": True,
        "review": None,
        "review_reason": None,
        "ood_score": None,
        "model_id": bundle.model_id,
        "p_melanoma": 0.5,
        "p_nevus": float(ROWS[0, 1]),
        "p_basal_cell_carcinoma": float(ROWS[0, 2]),
        "site": "site of a",
        "age": 40,
    }
    assert (second["top_label"], second["flag_melanoma"], second["site"]) == ("nevus", False, "site of b")


def test_a_failed_row_says_why_and_has_no_probability(run: Run, bundle: Bundle) -> None:
    builder = RowBuilder(run, bundle)
    nothing = {"width": None, "height": None, "sha256": None}
    builder.add_failed([loaded("a", error=PhotographError(ErrorKind.TRUNCATED, "cut"), width=600)])
    builder.add_failed([loaded("b", error=PhotographError(ErrorKind.TIMEOUT, "slow"), **nothing)])
    first, second = builder.table().to_pylist()
    assert (first["status"], first["error_kind"], first["error"]) == ("failed", "truncated", "cut")
    assert (second["width"], second["height"], second["image_sha256"]) == (None, None, None)
    for row in (first, second):
        assert {row[name] for name in row if name.startswith(("p_", "top_", "flag_"))} == {None}
        assert row["site"] and row["age"] == 40
    assert (builder.scored, builder.store_failures) == (0, 1)


def test_a_row_that_is_no_probability_fails_and_its_neighbours_do_not(run: Run, bundle: Bundle) -> None:
    rows = np.array([[0.2, 0.3, 0.5], [np.nan, 0.5, 0.5], [0.2, 0.3, 0.4], [-0.1, 0.6, 0.5], [0, 1, 0]], np.float32)
    builder = RowBuilder(run, bundle)
    builder.add_scored([loaded(name) for name in "abcde"], ModelOutput(rows))
    found = [(row["status"], row["error_kind"], row["p_nevus"]) for row in builder.table().to_pylist()]
    bad = ("failed", "bad_output", None)
    assert found == [("scored", None, pytest.approx(0.3)), bad, bad, bad, ("scored", None, 1.0)]
    assert (builder.scored, builder.store_failures) == (2, 0)


def test_without_a_threshold_there_is_no_flag(run: Run, bundle: Bundle) -> None:
    assert table_of(run, replace(bundle, thresholds={}))["flag_melanoma"].to_pylist() == [None, None]


def test_a_row_says_why_a_person_should_look(run: Run, bundle: Bundle) -> None:
    bundle = replace(bundle, thresholds={"review_below": 0.6, "ood_above": 0.5})
    builder = RowBuilder(run, bundle)
    rows = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], np.float32)
    builder.add_scored([loaded(name) for name in "abc"], ModelOutput(rows, np.array([0.25, 0.75, 0.125], np.float32)))
    found = [(row["review"], row["review_reason"], row["ood_score"]) for row in builder.table().to_pylist()]
    assert found == [(True, "uncertain", 0.25), (True, "unlike_training", 0.75), (False, None, 0.125)]


@pytest.mark.parametrize("ood", [np.nan, np.inf, -0.1, 1.1])
def test_an_ood_score_that_is_none_fails_its_photograph_alone(run: Run, bundle: Bundle, ood: float) -> None:
    builder = RowBuilder(run, bundle)
    builder.add_scored([loaded("a"), loaded("b")], ModelOutput(ROWS, np.array([ood, 0.5], np.float32)))
    found = [(row["status"], row["error_kind"], row["ood_score"]) for row in builder.table().to_pylist()]
    assert found == [("failed", "bad_output", None), ("scored", None, 0.5)]


def test_a_failure_without_its_error_is_a_defect(run: Run, bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="carries its error"):
        RowBuilder(run, bundle).add_failed([loaded("a")])
