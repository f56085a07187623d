"""A timeline keeps every second of work, in a bounded number of steps, and is read from sound files only."""

import pickle
from typing import Any

import pytest

from melanoma.runs.timeline import MOST_STEPS, SHORTEST_STEP, Row, Timeline, merged

START = 1_800_000_000.0


def of(worker: str, *work: tuple[str, float, float]) -> Timeline:
    """Returns the timeline of one worker: kind, seconds, and end in seconds since the start."""
    timeline = Timeline(START, worker)
    for stage, seconds, ended in work:
        timeline.add(stage, seconds, START + ended)
    return timeline


def steps(timeline: Timeline, worker: str, stage: str) -> dict[int, float]:
    return {place: pytest.approx(seconds) for place, seconds in dict(timeline.rows())[Row(worker, stage)].items()}


def test_work_is_divided_among_the_steps_in_which_it_was_done() -> None:
    assert steps(of("a", ("read", 0.5, 0.85)), "a", "read") == {1: 0.15, 2: 0.25, 3: 0.1}


def test_threads_that_work_at_once_add_up() -> None:
    found = of("a", ("read", 0.25, 0.25), ("read", 0.25, 0.25), ("decode", 0.25, 0.25))
    assert steps(found, "a", "read")[0] == 0.5 and found.seconds("read") == pytest.approx(0.5)


def test_work_before_the_start_counts_from_the_start() -> None:
    assert of("a", ("list", 2.0, -5.0)).seconds("list") == pytest.approx(2.0)


def test_work_that_took_no_time_is_left_out() -> None:
    assert list(of("a", ("decode", 0.0, 0.0)).rows()) == []


@pytest.mark.parametrize("hours", [0.01, 1, 24, 24 * 365])
def test_a_long_run_has_no_more_steps_and_loses_no_second(hours: float) -> None:
    found = of("a", *(("infer", 0.7, 1 + hours * 3600 * part / 100) for part in range(101)))
    assert found.steps <= MOST_STEPS
    assert found.seconds("infer") == pytest.approx(70.7)
    assert (found.steps - 1) * found.step <= 1 + hours * 3600 <= found.steps * found.step


def test_merging_takes_the_longer_steps_whichever_comes_first() -> None:
    early, late = of("a", ("infer", 1.0, 1.0)), of("a", ("infer", 1.0, 1000.0))
    one, other = merged([early, None, late]), merged([late, early])
    assert one is not None and other is not None and early.step < late.step == one.step
    assert one.as_json() == other.as_json() and one.seconds("infer") == pytest.approx(2.0)
    assert early.step == SHORTEST_STEP  # what was merged is as it was


def test_nothing_to_merge_is_no_timeline() -> None:
    assert merged([None, None]) is None


def test_workers_are_numbered_in_the_order_in_which_they_began_and_not_named() -> None:
    whole = merged([of("host-b:7", ("read", 1.0, 9.0)), of("host-a:9", ("read", 1.0, 4.0), ("stage", 1.0, 12.0))])
    assert whole is not None
    document = whole.as_json()
    assert [(row["worker"], row["stage"]) for row in document["rows"]] == [("2", "read"), ("1", "read"), ("1", "stage")]
    assert "host" not in str(document)


def test_a_timeline_comes_back_from_its_json_and_from_another_process() -> None:
    found = of("a", ("read", 3.0, 700.0), ("commit", 0.5, 2.0))
    document = found.as_json()
    assert Timeline.from_json(document, "timeline").as_json() == document
    assert pickle.loads(pickle.dumps(found)).as_json() == document


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"step": 0, "rows": []},
        {"step": float("nan"), "rows": []},
        {"step": 0.25, "rows": {}},
        {"step": 0.25, "rows": [["1", "read"]]},
        {"step": 0.25, "rows": [{"worker": 1, "stage": "read", "seconds": []}]},
        {"step": 0.25, "rows": [{"worker": "1", "stage": "read", "seconds": [[0]]}]},
        {"step": 0.25, "rows": [{"worker": "1", "stage": "read", "seconds": [[0, 1, 2]]}]},
        {"step": 0.25, "rows": [{"worker": "1", "stage": "read", "seconds": [[-1, 1]]}]},
        {"step": 0.25, "rows": [{"worker": "1", "stage": "read", "seconds": [[MOST_STEPS, 1]]}]},
        {"step": 0.25, "rows": [{"worker": "1", "stage": "read", "seconds": [[0, -1]]}]},
        {"step": 0.25, "rows": [{"worker": "1", "stage": "read", "seconds": [[0, float("inf")]]}]},
    ],
)
def test_what_is_no_timeline_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="timeline"):
        Timeline.from_json(value, "timeline")
