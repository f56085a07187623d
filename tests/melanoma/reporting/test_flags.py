"""Flags are counted over the scored rows of a run; a flag without a threshold is left out."""

from pathlib import Path

import pyarrow as pa

from melanoma.reporting.content import report_content
from melanoma.reporting.flags import flag_counts
from melanoma.reporting.quality_sample import ReportOptions
from tests.helpers.model_runs import commit_scores, model_run


def rows(flags: list[bool | None], reviews: list[bool | None], reasons: list[str | None]) -> pa.Table:
    columns = {"flag_melanoma": pa.array(flags, pa.bool_()), "review": pa.array(reviews, pa.bool_())}
    return pa.table({**columns, "review_reason": pa.array(reasons, pa.string())})


def test_each_flag_and_reason_is_counted() -> None:
    found = flag_counts(rows([True, False, True], [True, True, False], ["uncertain", "unlike_training", None]))
    assert found == {
        "n": 3,
        "counts": {"flag_melanoma": 2, "review": 2},
        "reasons": {"uncertain": 1, "unlike_training": 1},
    }


def test_a_flag_without_a_threshold_is_left_out() -> None:
    assert flag_counts(rows([False, False], [None, None], [None, None])) == {
        "n": 2,
        "counts": {"flag_melanoma": 0},
        "reasons": {},
    }


def test_without_rows_nothing_is_counted() -> None:
    assert flag_counts(rows([], [], [])) == {"n": 0, "counts": {}, "reasons": {}}


def test_the_flags_of_a_run_are_in_its_report(tmp_path: Path, bundle_uri: str) -> None:
    commit_scores(model_run(tmp_path, bundle_uri), {"earlier": (1.0, 0.0, 0.0)}, flag_melanoma=True)
    model = model_run(tmp_path, bundle_uri, day=3)
    record = commit_scores(model, {"a": (1.0, 0.0, 0.0), "b": (0.0, 1.0, 0.0)}, {"c": "corrupt"}, flag_melanoma=False)
    flags = report_content(model, record, [], ReportOptions())["flags"]
    assert flags == {"n": 2, "counts": {"flag_melanoma": 0}, "reasons": {}}
