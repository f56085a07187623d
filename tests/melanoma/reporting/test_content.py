"""The content of a report is read from the rows that the run committed."""

from pathlib import Path

import pytest

from melanoma.model.reference_distribution import BINS
from melanoma.reporting.content import FORMAT, report_content
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.runs.records import KILLED, NOTHING_NEW, Counts, RunRecord
from tests.helpers.model_runs import commit_scores, model_run

NO_OPTIONS = ReportOptions()


def test_the_distribution_is_computed_from_the_rows_of_the_run(tmp_path: Path, bundle_uri: str) -> None:
    commit_scores(model_run(tmp_path, bundle_uri), {"earlier": (1.0, 0.0, 0.0)})
    model = model_run(tmp_path, bundle_uri, day=3)
    record = commit_scores(model, {"a": (0.25, 0.75, 0.0), "b": (0.75, 0.25, 0.0)})
    content = report_content(model, record, [], NO_OPTIONS)
    seen = content["seen"]
    assert content["format"] == FORMAT and seen["n"] == 2
    assert seen["top_label"] == {"melanoma": 0.5, "nevus": 0.5, "basal_cell_carcinoma": 0.0}
    expected = [0.0] * BINS
    expected[2] = expected[7] = 0.5
    assert seen["histograms"]["p_melanoma"] == expected and "ood_score" not in seen["histograms"]


def test_an_out_of_distribution_score_is_in_the_distribution_if_every_row_has_one(
    tmp_path: Path, bundle_uri: str
) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = commit_scores(model, {"a": (1.0, 0.0, 0.0)}, ood_score=0.95)
    histogram = report_content(model, record, [], NO_OPTIONS)["seen"]["histograms"]["ood_score"]
    assert histogram == [0.0] * 9 + [1.0]


def test_earlier_runs_are_pooled_and_compared(tmp_path: Path, bundle_uri: str) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = commit_scores(model, {"a": (1.0, 0.0, 0.0)})
    seen = report_content(model, record, [], NO_OPTIONS)["seen"]
    content = report_content(model, record, [seen | {"n": 300}, seen | {"n": 100}], NO_OPTIONS)
    assert (content["earlier"]["nights"], content["earlier"]["n"]) == (2, 400)
    assert content["earlier"]["top_label"] == pytest.approx(seen["top_label"])
    assert content["drift"]["earlier"]["reason"].startswith("fewer than 200 photographs")
    assert content["drift"]["bundle"]["reason"] == "there is nothing to compare"
    assert content["reference"] == {}


@pytest.mark.parametrize("outcome", [NOTHING_NEW, KILLED])
def test_a_run_that_committed_nothing_has_an_empty_distribution(tmp_path: Path, bundle_uri: str, outcome: str) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = RunRecord(model.run.run_id, "2026-01-02", model.run.model_id, outcome, Counts(5, skipped=5))
    content = report_content(model, record, [], ReportOptions(list_suspicious=True))
    assert content["seen"] == {} and content["bottleneck"] == {"stage": "", "shares": {}}
    assert content["sample"] == {"least_certain": [], "most_moved": [], "suspicious": []}
