"""The sentences that the operator reads first: how the run ended, and what to do."""

import datetime
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from melanoma.errors import MAY_HEAL, ErrorKind, UsageError
from melanoma.reporting.bottleneck import START_UP
from melanoma.reporting.judging import judge_error
from melanoma.reporting.messages import (
    STAGE_NAMES,
    Headline,
    advice_on,
    bottleneck_sentence,
    duration,
    failures_command,
    headline,
    one_line,
    one_line_without_run,
)
from melanoma.runs.records import (
    COMMITTED,
    KILLED,
    NOTHING_NEW,
    REFUSED,
    STAGES,
    STOPPED,
    STORE_DOWN,
    Counts,
    RunRecord,
)
from tests.helpers.reports import RECORD, reported


def headline_of(record: RunRecord) -> Headline:
    return headline(record, reported(record).verdict)


@pytest.mark.parametrize(
    ("outcome", "counts", "level", "text"),
    [
        (COMMITTED, Counts(5, 5), "good", "OK: 5 photographs scored"),
        (COMMITTED, Counts(5, 4, 1), "good", "OK: 4 photographs scored, 1 failed"),
        (COMMITTED, Counts(13, 3, 10), "bad", "Too many failures: 3 photographs scored, 10 failed"),
        (COMMITTED, Counts(5, 3, deferred=2), "look", "Committed: 3 photographs scored, 2 deferred"),
        (COMMITTED, Counts(1, 1), "good", "OK: 1 photograph scored"),
        (COMMITTED, Counts(1200, 1200), "good", "OK: 1,200 photographs scored"),
        (NOTHING_NEW, Counts(1, skipped=1), "good", "OK: nothing new among 1 photograph"),
        (NOTHING_NEW, Counts(1, deferred=1), "look", "Out of time: 1 photograph deferred to the next run"),
        (NOTHING_NEW, Counts(5, skipped=5), "good", "OK: nothing new among 5 photographs"),
        (NOTHING_NEW, Counts(5, deferred=5), "look", "Out of time: 5 photographs deferred to the next run"),
        (STORE_DOWN, Counts(5, deferred=5), "bad", "The store returned no photographs"),
        (STOPPED, Counts(), "bad", "The run ended early and committed nothing; the next run resumes it"),
        (KILLED, Counts(), "bad", "The run was killed and committed nothing"),
        ("from_the_future", Counts(), "bad", "from_the_future"),
    ],
)
def test_the_headline_states_the_outcome_and_its_level(outcome: str, counts: Counts, level: str, text: str) -> None:
    found = headline_of(RunRecord("r", "2026-01-02", "m", outcome, counts))
    assert found.level == level and found.text.startswith(text)


def test_a_warning_sets_the_level_look() -> None:
    assert headline_of(RunRecord("r", "2026-01-02", "m", COMMITTED, Counts(5, 5), warnings=("x",))).level == "look"
    found = headline_of(RunRecord("r", "2026-01-02", "m", NOTHING_NEW, Counts(5, skipped=5), warnings=("x",)))
    assert found == ("look", "Nothing new among 5 photographs")


def test_a_stopped_run_says_why() -> None:
    record = RunRecord("r", "2026-01-02", "m", STOPPED, Counts(), reason="the disk is full")
    assert headline_of(record).text == "The run ended early and committed nothing: the disk is full"
    refused = replace(record, outcome=REFUSED, reason="the store has moved")
    assert headline_of(refused).text == "The run was refused and committed nothing: the store has moved"


def test_drift_is_in_the_headline_alone_or_beside_failures() -> None:
    record = RunRecord("r", "2026-01-02", "m", COMMITTED, Counts(300, 250, 50))
    content = {"drift": {"bundle": {"judged": True, "columns": {"p_nevus": 5.3}, "worst": "p_nevus"}}}
    found = reported(record, content, max_failed=1.0)
    text = "The predictions have drifted: 250 photographs scored, 50 failed"
    assert headline(record, found.verdict) == ("bad", text)
    assert headline(record, reported(record, content).verdict).text.startswith(
        "Too many failures and the predictions have drifted: "
    )


WHERE = "Run of 2026-01-02, bundle m-000000000001, report s3://r.html"


def line(record: RunRecord, content: Mapping[str, Any] | None = None, **limits: float) -> str:
    return one_line(reported(record, content, **limits), "s3://r.html")


def test_one_line_has_counts_reasons_date_bundle_and_report() -> None:
    counts = "15 new, 10 scored, 3 failed (truncated, timeout), 2 deferred, 48 min, table v118, 1 warning"
    deferred = "2 photographs left for the next run, which starts with them"
    assert line(RECORD) == f"OK {counts}. {deferred}. a root is empty. {WHERE}"
    assert line(replace(RECORD, model_name="taught")).endswith("bundle taught, report s3://r.html")
    assert ", 2 warnings. " in line(replace(RECORD, warnings=("a", "b")))


def test_one_line_begins_with_what_has_to_be_looked_at() -> None:
    failing = replace(RECORD, counts=Counts(22, 0, 22), warnings=())
    reason = "22 of 22 photographs failed (100.0%, limit 5.0% by --max-failed); the report says what failed and what"
    assert line(failing).startswith("OVER BUDGET 22 new, ") and f". {reason}" in line(failing)
    content = {"drift": {"bundle": {"judged": True, "columns": {"p_nevus": 5.3}, "worst": "p_nevus"}}}
    assert line(RECORD, content).startswith("DRIFT 15 new, ")
    assert ". prediction drift (PSI 5.30, limit 2 by --max-bundle-drift) of p_nevus from the bundle's reference" in (
        line(RECORD, content)
    )
    assert line(failing, content).startswith("OVER BUDGET AND DRIFT 22 new, ")


def test_a_run_that_scored_nothing_for_lack_of_time_is_not_told_as_nothing_new() -> None:
    record = RunRecord("r", "2026-01-02", "m-000000000001", NOTHING_NEW, Counts(5, deferred=5))
    assert line(record) == (
        "OUT OF TIME 5 new, 0 scored, 0 failed, 5 deferred. no time was left to score any of 5 photographs; give the "
        f"run more time (--stop-at, --max-time). {WHERE}"
    )


def test_one_line_omits_absent_parts() -> None:
    record = RunRecord("r", "2026-01-02", "m-000000000001", NOTHING_NEW, Counts(5, skipped=5))
    assert line(record) == f"OK 0 new, 0 scored, 0 failed. {WHERE}"


@pytest.mark.parametrize(("outcome", "word"), [(STORE_DOWN, "FAILED"), (STOPPED, "STOPPED"), (KILLED, "FAILED")])
def test_one_line_of_a_run_that_committed_nothing_says_so_first(outcome: str, word: str) -> None:
    found = line(replace(RECORD, outcome=outcome, reason="the\ndisk"))
    assert found.startswith(f"{word} The ") and found.endswith(WHERE) and "\n" not in found


def test_a_start_without_a_run_is_one_line_too() -> None:
    verdict = judge_error(UsageError("found \x1b[2J,\nexpected y"))
    found = one_line_without_run(verdict, ["/b/taught/", "s3://b/other"], datetime.date(2026, 1, 2))
    assert found == "FAILED found \ufffd[2J,\ufffdexpected y. Run of 2026-01-02, bundle taught, other, no report"


def test_the_command_that_lists_failures_can_be_pasted_into_a_shell() -> None:
    words = shlex.split(failures_command("/results/o'brien & sons", "20260102T030405Z-00000000"))
    assert words[:3] == ["melanoma", "query", "/results/o'brien & sons"] and len(words) == 4
    assert words[3].endswith("WHERE run_id = '20260102T030405Z-00000000' AND status = 'failed'")


def test_every_error_kind_has_advice_that_matches_the_retries() -> None:
    retried = {
        kind for kind in ErrorKind if advice_on(kind.value).endswith("Retried daily for 3 days, then every 7 days.")
    }
    assert retried == set(MAY_HEAL)
    assert all(advice_on(kind.value).endswith(".") for kind in ErrorKind)
    assert advice_on("from_the_future") == "Not retried until the file is replaced."


def test_every_error_kind_has_advice_of_its_own() -> None:
    advice = [advice_on(kind.value) for kind in ErrorKind]
    assert len(set(advice)) == len(advice) and advice_on("from_the_future") not in advice


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("empty", "The file has no bytes; export it again."),
        ("truncated", "The file ends too early, often an interrupted copy; copy it again."),
        ("corrupt", "The file is damaged; restore it."),
        ("too_large", "More than 64 MiB; export it smaller."),
        ("too_many_pixels", "More than 64 million pixels; export it smaller."),
    ],
)
def test_advice_says_what_to_do_with_the_file(kind: str, text: str) -> None:
    assert advice_on(kind) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.0, "0 s"), (119.4, "119 s"), (120.0, "2 min"), (2880.0, "48 min")]
)
def test_a_duration_is_in_seconds_or_minutes(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_the_bottleneck_is_a_sentence() -> None:
    shares = {"infer": 0.756, "list": 0.1, "stage": 0.0, "commit": 0.0}
    assert bottleneck_sentence({"stage": "infer", "shares": shares}) == (
        "The bottleneck was the network, 76% of the time."
    )
    assert bottleneck_sentence({"stage": "read", "shares": shares}) == (
        "The bottleneck was reading; the network waited for it."
    )
    assert "start-up" in bottleneck_sentence({"stage": START_UP, "shares": shares})
    assert bottleneck_sentence({"stage": "", "shares": {}}) == bottleneck_sentence({}) == ""


def test_every_stage_has_a_name() -> None:
    assert tuple(STAGE_NAMES) == STAGES and len(set(STAGE_NAMES.values())) == len(STAGES)
