"""The page of all runs: newest first, with the last successful one named, and bounded in size."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melanoma.reporting.index import index_page, write_index
from melanoma.reporting.verdict import Event, Reason, RunVerdict
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, STORE_DOWN, Counts, RunRecord
from melanoma.runs.run_history import summary_of
from tests.helpers.outputs import layout_of
from tests.helpers.reports import HOSTILE, RECORD, Page, summaries

QUIET = replace(RECORD, warnings=())
ALARM = RunVerdict(
    1, (Reason(Event.OVER_BUDGET, "22 failed"), Reason(Event.DRIFT, "PSI 5.3"), Reason(Event.DRIFT, "PSI 0.3"))
).as_json()
DRIFTED = {"drift": {"bundle": {"judged": True, "columns": {"p_nevus": 0.21}, "worst": "p_nevus"}}}


def test_the_newest_run_comes_first_and_links_to_its_report() -> None:
    runs = summaries(COMMITTED, NOTHING_NEW, STORE_DOWN, COMMITTED)
    page = Page(index_page(runs))
    links = [f"{run['run_id']}.html" for run in reversed(runs)]
    assert page.links == ["m-000000000001.html", *links] and page.is_closed


def test_a_row_summarises_a_run() -> None:
    texts = Page(index_page([summary_of(replace(QUIET, seconds=130.0), DRIFTED)])).texts
    row = texts[texts.index("drift") + 3 :]
    counts = ["10", "3", "4", "2"]
    assert row[:11] == ["2026-01-02", "03:04", "committed", *counts, "2 min", "0/s", "0.21", "m-000000000001"]


def test_runs_of_one_day_are_told_apart_by_their_start() -> None:
    first = summary_of(replace(QUIET, run_id="20260102T030405Z-00000000"), {})
    second = summary_of(replace(QUIET, run_id="20260102T200000Z-00000000"), {})
    late = summary_of(replace(QUIET, run_id="20260103T010000Z-00000000"), {})  # the evening of 2 January, local time
    texts = Page(index_page([first, second, late])).texts
    starts = [texts[place + 1] for place, text in enumerate(texts) if text == "2026-01-02"]
    assert starts[-3:] == ["2026-01-03 01:00", "20:00", "03:04"]


def test_models_are_named_and_linked_to_their_pages() -> None:
    unnamed = summary_of(replace(QUIET, run_id="20260101T030405Z-00000000"), {})
    named = summary_of(replace(QUIET, model_name="lite0"), {})
    killed = summary_of(RunRecord("20260103T030405Z-00000000", "2026-01-03", "", KILLED, Counts()), {})
    page = Page(index_page([unnamed, named, killed]))
    assert page.links.count("m-000000000001.html") == 1 and ".html" not in page.links
    place = page.texts.index("Models")
    assert page.texts[place + 6 : place + 11] == ["lite0", "m-000000000001", "2", "20", "2026-01-02 03:04"]
    assert page.texts[place + 11 :].count("lite0") == 2  # also the run of the older version


def test_the_name_of_a_model_is_text() -> None:
    page = Page(index_page([summary_of(replace(QUIET, model_name=HOSTILE), {})]))
    assert page.elements["img"] == 0 and "<img src=x" in page.text


@pytest.mark.parametrize(
    ("record", "content", "level", "text"),
    [
        (QUIET, {}, "good", "Last run: committed, 10 scored, 3 failed"),
        (RECORD, {}, "look", "Last run: committed"),
        (QUIET, {"verdict": ALARM}, "bad", "Last run: committed, over budget, drift, 10 scored, 3 failed"),
        (QUIET, DRIFTED, "good", "Last run: committed"),
        (replace(QUIET, outcome=NOTHING_NEW), {}, "good", "Last run: nothing new"),
        (replace(QUIET, outcome=STORE_DOWN), {}, "bad", "Last run: store down"),
        (RunRecord("20260102T030405Z-00000000", "2026-01-02", "m", KILLED, Counts()), {}, "bad", "Last run: killed"),
    ],
)
def test_the_first_line_says_how_the_last_run_ended(
    record: RunRecord, content: dict[str, Any], level: str, text: str
) -> None:
    html = index_page([summary_of(record, content)])
    assert f'<p class="head {level}" role="status">{text}' in html


def test_after_a_failed_run_the_last_successful_one_is_named() -> None:
    outcomes = (COMMITTED, NOTHING_NEW, STORE_DOWN, KILLED)
    records = [
        replace(RECORD, run_id=f"202601{day:02}T030405Z-00000000", run_date=f"2026-01-{day:02}", outcome=outcome)
        for day, outcome in enumerate(outcomes, start=2)
    ]
    text = Page(index_page([summary_of(record, {}) for record in records])).text
    assert "Last run: killed; the last successful run was on 2026-01-03" in text
    assert "last successful run" not in Page(index_page(summaries(STORE_DOWN))).text


def test_runs_that_need_a_look_have_a_dot() -> None:
    runs = [
        *summaries(STORE_DOWN),
        summary_of(replace(QUIET, run_id="20260103T000000Z-00000000"), {}),
        summary_of(replace(QUIET, run_id="20260104T000000Z-00000000"), {"verdict": ALARM}),
    ]
    found = Page(index_page(runs))
    assert found.elements["circle"] == 2
    assert {"22 failed", "PSI 5.3", "PSI 0.3"} <= set(found.texts) and "committed, over budget, drift" in found.texts


def test_without_runs_the_page_says_so() -> None:
    assert "No runs yet." in Page(index_page([])).texts


def test_the_page_lists_at_most_1000_runs() -> None:
    html = index_page(summaries(*[COMMITTED, NOTHING_NEW, STORE_DOWN] * 400))
    page = Page(html)
    assert len(html) < 700_000 and len(page.links) == 1001
    assert "The last 1,000 of 1,200 runs." in page.texts
    assert "of 3 runs" not in index_page(summaries(*[COMMITTED] * 3))


def test_the_page_is_written_beside_the_reports(tmp_path: Path) -> None:
    runs = summaries(COMMITTED)
    write_index(layout_of(tmp_path), runs)
    assert (tmp_path / "_reports" / "index.html").read_text() == index_page(runs)
