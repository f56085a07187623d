"""The sections of a report on the work of a run."""

import shlex
from dataclasses import replace
from typing import Any

from melanoma.reporting import messages, run_sections
from melanoma.reporting.bottleneck import bottleneck
from melanoma.runs.records import Counts, Stage
from tests.helpers.reports import COUNTS, HOSTILE, RECORD, Page


def test_every_photograph_is_accounted_for() -> None:
    text = Page(run_sections.accounting(RECORD)).text
    assert text.startswith("Every photograph accounted for")
    assert "20 listed = 10 scored + 3 failed + 4 skipped + 1 duplicates + 2 deferred." in text
    assert text.endswith("Other files, ignored and not counted: .txt 5.")


def test_ignored_files_are_named_most_frequent_first() -> None:
    record = replace(RECORD, ignored={".txt": 1, HOSTILE: 2, ".db": 3000})
    page = Page(run_sections.accounting(record))
    assert ".db 3,000, <img" in page.text and page.elements["img"] == 0


def test_counts_that_do_not_add_up_are_reported_as_a_bug() -> None:
    text = Page(run_sections.accounting(replace(RECORD, counts=replace(COUNTS, scored=9)))).text
    assert text.startswith("The counts do not add up") and "please report it" in text


def test_failures_are_sorted_by_frequency_and_have_advice() -> None:
    record = replace(RECORD, failures={"bad_name": 2, "timeout": 2, "truncated": 5})
    page = Page(run_sections.failures(record, {}))
    assert [text for text in page.texts if text in ("bad_name", "timeout", "truncated")] == [
        *("truncated", "bad_name", "timeout")
    ]
    assert [text for text in page.texts if text in ("error kind", "photographs", "what to do")] == [
        *("error kind", "photographs", "what to do")
    ]
    assert "What is not retried is tried again once the file is replaced, or with --retry-failed." in page.texts
    assert 'To list the files: melanoma query TABLE "FROM failures"' in page.texts
    assert messages.advice_on("timeout") in page.texts and messages.advice_on("truncated") in page.texts


def failed_content(count: int, detail: str = "the file ends too early") -> dict[str, Any]:
    row = {"photograph": HOSTILE, "kind": "truncated", "detail": detail, "attempt": 2}
    return {"table": "file:///results/o'scores", "failed": [row] * count}


def test_failed_photographs_are_listed_with_the_command_that_names_them_all() -> None:
    record = replace(RECORD, counts=replace(COUNTS, failed=3))
    page = Page(run_sections.failures(record, failed_content(3, "<b>cut</b>")))
    assert page.text.count("truncated <b>cut</b> 2") == 3 and page.elements["img"] == 0
    command = next(text for text in page.texts if text.startswith("melanoma query"))
    words = shlex.split(command)
    assert words[:3] == ["melanoma", "query", "file:///results/o'scores"] and f"'{record.run_id}'" in words[3]
    assert " more" not in page.text and "TABLE" not in page.text


def test_failed_photographs_beyond_the_limit_are_counted() -> None:
    record = replace(RECORD, counts=replace(COUNTS, failed=1234))
    page = Page(run_sections.failures(record, failed_content(50)))
    assert "and 1,184 more" in page.texts


def test_a_run_id_that_is_none_is_no_part_of_a_command() -> None:
    page = Page(run_sections.failures(replace(RECORD, run_id='x"; rm -rf ~; "'), failed_content(1)))
    assert 'To list the files: melanoma query TABLE "FROM failures"' in page.texts and "rm" not in page.text


def test_stages_show_their_work_and_rate() -> None:
    stages = {"read": Stage(4.0, 100, 8_000_000), "infer": Stage(2.0, 100), "commit": Stage()}
    record = replace(RECORD, seconds=10.0, counts=Counts(100, 100), stages=stages)
    page = Page(run_sections.stages(record, {"bottleneck": bottleneck(record)}))
    assert "4.0 s, 25 photographs per second, 2.0 MB/s" in page.texts
    assert "2.0 s, 50 photographs per second" in page.texts
    assert "committing" not in page.texts
    assert "10 photographs per second, including start-up. Most of the time went into start-up" in page.text
    assert page.values("width") == [200.0, 100.0]


def test_sections_without_content_are_left_out() -> None:
    quiet = replace(RECORD, counts=Counts(), failures={}, stages={})
    assert run_sections.accounting(quiet) == run_sections.failures(quiet, {}) == run_sections.stages(quiet, {}) == ""
    assert run_sections.stages(replace(RECORD, counts=Counts(5, skipped=5)), {}) == ""
