"""The sentences that the operator reads first: how the run ended, and what to do."""

from dataclasses import replace

import pytest

from melanoma.errors import MAY_HEAL, ErrorKind
from melanoma.reporting.bottleneck import START_UP
from melanoma.reporting.messages import STAGE_NAMES, advice_on, bottleneck_sentence, duration, headline, one_line
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, STAGES, STOPPED, STORE_DOWN, Counts, RunRecord
from tests.helpers.reports import RECORD


@pytest.mark.parametrize(
    ("outcome", "counts", "over", "level", "text"),
    [
        (COMMITTED, Counts(5, 5), False, "good", "OK: 5 photographs scored"),
        (COMMITTED, Counts(5, 4, 1), False, "good", "OK: 4 photographs scored, 1 failed"),
        (COMMITTED, Counts(5, 3, 2), True, "bad", "Too many failures: 3 photographs scored, 2 failed"),
        (COMMITTED, Counts(5, 3, deferred=2), False, "look", "Committed: 3 photographs scored, 2 deferred"),
        (COMMITTED, Counts(1, 1), False, "good", "OK: 1 photograph scored"),
        (COMMITTED, Counts(1200, 1200), False, "good", "OK: 1,200 photographs scored"),
        (NOTHING_NEW, Counts(1, skipped=1), False, "good", "OK: nothing new among 1 photograph"),
        (NOTHING_NEW, Counts(1, deferred=1), False, "look", "Out of time: 1 photograph deferred to the next run"),
        (NOTHING_NEW, Counts(5, skipped=5), False, "good", "OK: nothing new among 5 photographs"),
        (NOTHING_NEW, Counts(5, deferred=5), False, "look", "Out of time: 5 photographs deferred to the next run"),
        (STORE_DOWN, Counts(5, deferred=5), False, "bad", "The store returned no photographs"),
        (STOPPED, Counts(), False, "bad", "The run ended early and committed nothing; the next run resumes it"),
        (KILLED, Counts(), False, "bad", "The run was killed and committed nothing"),
        ("from_the_future", Counts(), False, "bad", "from_the_future"),
    ],
)
def test_the_headline_states_the_outcome_and_its_level(
    outcome: str, counts: Counts, over: bool, level: str, text: str
) -> None:
    found = headline(RunRecord("r", "2026-01-02", "m", outcome, counts), over)
    assert found.level == level and found.text.startswith(text)


def test_a_warning_sets_the_level_look() -> None:
    assert headline(RunRecord("r", "2026-01-02", "m", COMMITTED, Counts(5, 5), warnings=("x",))).level == "look"


def test_a_stopped_run_says_why() -> None:
    record = RunRecord("r", "2026-01-02", "m", STOPPED, Counts(), reason="the disk is full")
    assert headline(record).text == "The run ended early and committed nothing: the disk is full"


def test_one_line_summarises_a_run() -> None:
    assert one_line(RECORD) == (
        "OK 15 new, 10 scored, 3 failed (truncated, timeout), 2 deferred, 48 min, table v118, 1 warning"
    )
    assert one_line(RECORD, is_over_budget=True).startswith("OVER BUDGET 15 new")
    assert one_line(replace(RECORD, warnings=("a", "b"))).endswith(", 2 warnings")


def test_one_line_omits_absent_parts() -> None:
    record = RunRecord("r", "2026-01-02", "m", NOTHING_NEW, Counts(5, skipped=5))
    assert one_line(record) == "OK 0 new, 0 scored, 0 failed"


@pytest.mark.parametrize("outcome", [STORE_DOWN, STOPPED, KILLED])
def test_one_line_of_a_failed_run_begins_with_failed(outcome: str) -> None:
    line = one_line(replace(RECORD, outcome=outcome))
    assert line.startswith("FAILED The ") and "\n" not in line


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
