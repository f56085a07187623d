"""The verdict on a run: its failure budget, its drift, how it ended, and what earlier versions left."""

from dataclasses import replace
from typing import Any

import pytest

from melanoma.errors import NothingCommittedError, UsageError
from melanoma.reporting.judging import judge, judge_error, verdict_of
from melanoma.reporting.limits import Limits
from melanoma.reporting.verdict import Event, Reason, RunVerdict, read_verdict
from melanoma.runs.records import COMMITTED, KILLED, NOTHING_NEW, REFUSED, STOPPED, STORE_DOWN, Counts, RunRecord


def record(outcome: str, scored: int = 0, failed: int = 0) -> RunRecord:
    return RunRecord("r", "2026-01-02", "m", outcome, Counts(scored + failed, scored, failed))


def drifted(**psi: float) -> dict[str, Any]:
    found = {
        against: {"judged": True, "columns": {"p_nevus": index, "top_label": 0.0}, "worst": "p_nevus"}
        for against, index in psi.items()
    }
    return {"drift": found, "earlier": {"nights": 12}}


@pytest.mark.parametrize(
    ("outcome", "scored", "failed", "max_failed", "code"),
    [
        (COMMITTED, 0, 9, 0.05, 0),  # fewer than ten
        (COMMITTED, 190, 10, 0.05, 0),  # 5 % exactly
        (COMMITTED, 189, 10, 0.05, 1),
        (COMMITTED, 0, 10, 1.0, 0),
        (COMMITTED, 0, 10, 0.0, 1),
        (NOTHING_NEW, 0, 0, 0.0, 0),
        (STORE_DOWN, 0, 0, 1.0, 3),
        (STORE_DOWN, 0, 50, 0.0, 3),  # failures of the store, not of photographs
        (STOPPED, 0, 0, 0.0, 3),
        (KILLED, 0, 0, 0.0, 3),
        (REFUSED, 0, 0, 0.0, 2),
        ("from_the_future", 0, 0, 0.0, 3),
    ],
)
def test_exit_codes(outcome: str, scored: int, failed: int, max_failed: float, code: int) -> None:
    verdict = judge(record(outcome, scored, failed), {}, Limits(max_failed))
    assert verdict.exit_code == code
    assert verdict.has(Event.OVER_BUDGET) is (code == 1)
    assert verdict.level == ("bad" if code else "good")


def test_a_reason_names_the_measured_value_the_limit_and_what_to_do() -> None:
    (reason,) = judge(record(COMMITTED, 61, 15), {}, Limits()).reasons
    assert reason == Reason(
        Event.OVER_BUDGET,
        "15 of 76 photographs failed (19.7%, limit 5.0% by --max-failed); the report says what failed and what to do",
    )


@pytest.mark.parametrize(
    ("psi", "limits", "flags"),
    [
        ({"earlier": 0.2, "bundle": 2.0}, Limits(), []),  # the limits themselves
        ({"earlier": 0.21, "bundle": 1.9}, Limits(), ["--max-drift"]),
        ({"bundle": 5.3}, Limits(), ["--max-bundle-drift"]),  # a first night of swapped channels
        ({"earlier": 4.8, "bundle": 5.3}, Limits(), ["--max-drift", "--max-bundle-drift"]),
        ({"earlier": 0.9, "bundle": 2.5}, Limits(max_drift=1.0, max_bundle_drift=3.0), []),
        ({"earlier": 0.15}, Limits(max_drift=0.1), ["--max-drift"]),
    ],
)
def test_drift_above_a_limit_has_to_be_looked_at(psi: dict[str, float], limits: Limits, flags: list[str]) -> None:
    verdict = judge(record(COMMITTED, 250), drifted(**psi), limits)
    assert verdict.exit_code == (1 if flags else 0)
    assert [reason.event for reason in verdict.reasons] == [Event.DRIFT] * len(flags)
    assert all(f"by {flag})" in reason.text for flag, reason in zip(flags, verdict.reasons, strict=True))


def test_what_the_predictions_drifted_from_is_told() -> None:
    verdict = judge(record(COMMITTED, 250), drifted(earlier=4.8, bundle=5.3), Limits())
    texts = [reason.text.split("; ")[0] for reason in verdict.reasons]
    assert texts == [
        "prediction drift (PSI 4.80, limit 0.2 by --max-drift) of p_nevus from the last 12 runs",
        "prediction drift (PSI 5.30, limit 2 by --max-bundle-drift) of p_nevus from the bundle's reference",
    ]


def test_drift_that_chance_could_explain_is_not_judged() -> None:
    content = {"drift": {"bundle": {"judged": False, "columns": {}}, "earlier": {"judged": False, "columns": {}}}}
    assert judge(record(COMMITTED, 20), content, Limits()) == RunVerdict(0)


@pytest.mark.parametrize(
    ("outcome", "counts", "text"),
    [
        (COMMITTED, Counts(5, 3, deferred=2), "2 photographs left for the next run, which starts with them"),
        (COMMITTED, Counts(5, 4, deferred=1), "1 photograph left for the next run, which starts with them"),
        (NOTHING_NEW, Counts(5, deferred=5), "no time was left to score any of 5 photographs; give the run more time"),
    ],
)
def test_deferred_photographs_are_told_and_the_code_is_0(outcome: str, counts: Counts, text: str) -> None:
    verdict = judge(RunRecord("r", "2026-01-02", "m", outcome, counts), {}, Limits())
    assert (verdict.level, verdict.exit_code) == ("look", 0)
    assert verdict.reasons[0].event is Event.DEFERRED and verdict.reasons[0].text.startswith(text)


def test_warnings_are_told_once() -> None:
    (drift,) = judge(record(COMMITTED, 250), drifted(earlier=4.8), Limits()).reasons
    warned = replace(record(COMMITTED, 250), warnings=("a root is empty", drift.text))
    assert judge(warned, drifted(earlier=4.8), Limits()).reasons == (drift, Reason(Event.WARNING, "a root is empty"))
    assert judge(replace(warned, warnings=("x",)), {}, Limits()).level == "look"


def test_a_run_that_ended_early_has_its_reason_and_the_code_of_its_process() -> None:
    stopped = replace(record(STOPPED), reason="it was stopped by Ctrl-C")
    verdict = judge(stopped, {}, Limits(), exit_code=130)
    assert verdict == RunVerdict(130, (Reason(Event.STOPPED, "it was stopped by Ctrl-C"),))
    assert judge(record(KILLED), {}, Limits()).reasons[0].text == "the next run resumes it"


def test_an_error_is_told_and_the_text_of_a_defect_is_not() -> None:
    assert judge_error(UsageError("x; do y")) == RunVerdict(2, (Reason(Event.REFUSED, "x; do y"),))
    assert judge_error(NothingCommittedError("x")) == RunVerdict(3, (Reason(Event.FAILED, "x"),))
    (reason,) = judge_error(ValueError("DOE-JANE.jpg")).reasons
    assert judge_error(ValueError()).exit_code == 70
    assert "DOE" not in reason.text and "(ValueError)" in reason.text


def test_a_verdict_is_read_as_it_was_written() -> None:
    verdict = RunVerdict(1, (Reason(Event.DRIFT, "x"), Reason(Event.WARNING, "y"), Reason(Event.DRIFT, "z")))
    assert read_verdict(verdict.as_json()) == verdict
    assert verdict.as_json()["level"] == "bad" and verdict.marks == [Event.DRIFT, Event.WARNING]
    for value in ({}, None, [], {"reasons": [{"event": "from the future", "text": "x"}], "exit_code": 0}, "x"):
        assert read_verdict(value) is None


def test_the_record_of_an_earlier_version_is_judged_by_what_it_holds() -> None:
    over = verdict_of(record(COMMITTED, 30, 12), {"is_over_budget": True, "drift": drifted(bundle=5.3)["drift"]})
    assert (over.exit_code, over.marks) == (1, [Event.OVER_BUDGET])
    assert verdict_of(record(COMMITTED, 30, 12), {"is_over_budget": False}) == RunVerdict(0)
    assert verdict_of(record(KILLED), {}).level == "bad"
    stored = RunVerdict(1, (Reason(Event.DRIFT, "x"),))
    assert verdict_of(record(COMMITTED, 30), {"verdict": stored.as_json()}) == stored


@pytest.mark.parametrize(("before", "now", "psi", "limit"), [
    (200, 200, 0.33, None), (200, 200, 0.35, "0.34, raised from 0.2 for few photographs, by --max-drift"),
    (200, 6000, 0.21, "0.2 by --max-drift"), (5000, 5000, 0.19, None),
])  # fmt: skip
def test_what_chance_reaches_with_few_photographs_is_no_drift(
    before: int, now: int, psi: float, limit: str | None
) -> None:
    found = {"judged": True, "n": before, "columns": {"p_nevus": psi}, "worst": "p_nevus"}
    verdict = judge(record(COMMITTED, now), {"drift": {"earlier": found}, "seen": {"n": now}}, Limits())
    drifts = [reason.text for reason in verdict.reasons if reason.event is Event.DRIFT]
    assert len(drifts) == (limit is not None) and all(f"limit {limit}" in text for text in drifts)
