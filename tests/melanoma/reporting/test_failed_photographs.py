"""The report lists the photographs that failed in its run, under pseudonyms unless URIs are requested."""

from dataclasses import replace
from pathlib import Path

import pytest

from melanoma.queries.views import query
from melanoma.reporting import run_sections
from melanoma.reporting.content import report_content
from melanoma.reporting.failed_photographs import MAX_LISTED, failed_photographs
from melanoma.reporting.photograph_names import PhotographNames
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.runs.records import KILLED
from melanoma.table.pseudonyms import Pseudonyms
from tests.helpers.model_runs import commit_scores, model_run, uri_of
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.reports import Page

FAILURES = {"b": "truncated", "c": "corrupt", "a": "truncated"}


@pytest.mark.parametrize("show_uris", [True, False])
def test_failed_photographs_are_sorted_by_kind_and_name(tmp_path: Path, bundle_uri: str, show_uris: bool) -> None:
    commit_scores(model_run(tmp_path, bundle_uri), {}, {"of another run": "corrupt"})
    model = model_run(tmp_path, bundle_uri, day=3)
    record = commit_scores(model, {"good": (1.0, 0.0, 0.0)}, FAILURES, attempt=2)
    found = report_content(model, record, [], ReportOptions(show_uris=show_uris))["failed"]
    pseudonym = Pseudonyms.of_table(layout_of(tmp_path)).pseudonym
    expected = [("c", "corrupt"), ("a", "truncated"), ("b", "truncated")]
    assert [(row["photograph"], row["kind"]) for row in found] == [
        (uri_of(name) if show_uris else pseudonym(uri_of(name)), kind) for name, kind in expected
    ]
    assert {(row["detail"], row["attempt"]) for row in found} == {("corrupt", 2)}


def test_only_the_first_photographs_are_listed(tmp_path: Path, bundle_uri: str) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = commit_scores(model, {}, {f"{place:03}": "corrupt" for place in range(MAX_LISTED + 7)})
    names = PhotographNames(model.run.layout, show_uris=True)
    found = failed_photographs(table_in(tmp_path), record, names)
    assert [row["photograph"] for row in found] == [uri_of(f"{place:03}") for place in range(MAX_LISTED)]
    assert failed_photographs(table_in(tmp_path), replace(record, outcome=KILLED), names) == []


def test_the_command_in_the_report_lists_all_of_them_by_name(tmp_path: Path, bundle_uri: str) -> None:
    model = model_run(tmp_path, bundle_uri)
    record = commit_scores(model, {"good": (1.0, 0.0, 0.0)}, FAILURES)
    content = report_content(model, record, [], ReportOptions())
    page = Page(run_sections.failures(record, content))
    (command,) = [text for text in page.texts if text.startswith("melanoma query")]
    sql = command.partition('"')[2].removesuffix('"')
    assert f"file://{tmp_path}" in command
    assert sorted(query(table_in(tmp_path), sql)["image_uri"].to_pylist()) == [uri_of(name) for name in "abc"]
