"""The picture of a run shows each worker's work to scale, says what the run waited for, and runs nothing."""

from dataclasses import replace

import pytest

from melanoma.reporting.page import page
from melanoma.reporting.profile_page import MOST_WORKERS, profile_page
from melanoma.runs.records import Stage
from melanoma.runs.timeline import Timeline, merged
from tests.helpers.reports import HOSTILE, RECORD, Page, content_of, reported


def timeline(*workers: str) -> Timeline:
    """Returns a timeline in which each worker reads with two threads in its first second, and then scores for two."""
    parts = []
    for worker in workers:
        part = Timeline(0.0, worker)
        part.add("read", 1.0, 1.0)
        part.add("read", 1.0, 1.0)
        part.add("infer", 2.0, 3.0)
        parts.append(part)
    whole = merged(parts)
    assert whole is not None
    return whole


PROFILED = replace(
    RECORD,
    seconds=3.0,
    timeline=timeline("1"),
    stages={"read": Stage(2.0, 13, 1000), "infer": Stage(2.0, 13)},
)


def test_a_run_that_was_not_profiled_has_no_picture() -> None:
    assert profile_page(reported(RECORD)) == ""
    assert f"{RECORD.run_id}.profile.html" not in Page(page(reported(RECORD))).links


def test_the_report_and_the_picture_point_to_each_other() -> None:
    run = reported(PROFILED, content_of(PROFILED))
    assert f"{RECORD.run_id}.profile.html" in Page(page(run)).links
    assert Page(profile_page(run)).links == [f"{RECORD.run_id}.html"]


def test_the_bottleneck_is_named_as_in_the_report() -> None:
    run = reported(PROFILED, content_of(PROFILED))
    sentence = "The bottleneck was the network, 67% of the time."
    assert sentence in Page(profile_page(run)).text and sentence in Page(page(run)).text


def test_bars_are_as_high_as_threads_were_at_work() -> None:
    found = Page(profile_page(reported(PROFILED, content_of(PROFILED))))
    bars = [place for place, (name, value) in enumerate(found.attributes) if (name, value) == ("class", "cell")]
    assert len(bars) == 4 + 8  # steps of a quarter of a second
    places = [float(found.attributes[bar + 1][1] or "nan") for bar in bars]
    assert places == sorted(places[:4]) + sorted(places[4:]) and places[4] > places[3]
    assert found.texts.count("0 s: 2 at work") == 1 and found.texts.count("1 s: 1 at work") == 1


def test_the_table_has_the_seconds_of_the_record() -> None:
    texts = Page(profile_page(reported(PROFILED, content_of(PROFILED)))).text
    assert "reading 2.00 13 6 0.67" in texts and "the network 2.00 13 6 0.67" in texts


def test_many_workers_are_drawn_up_to_a_limit() -> None:
    many = replace(PROFILED, timeline=timeline(*(str(number) for number in range(1, MOST_WORKERS + 6))))
    found = Page(profile_page(reported(many, content_of(many))))
    assert found.elements["svg"] == MOST_WORKERS and "and 5 more workers" in found.text


@pytest.mark.parametrize("wrong", ["worker", "stage"])
def test_a_hostile_record_runs_nothing(wrong: str) -> None:
    row = {"worker": "1", "stage": "read", "seconds": [[0, 0.2]]} | {wrong: HOSTILE}
    hostile = replace(PROFILED, timeline=Timeline.from_json({"step": 0.25, "rows": [row]}, "timeline"))
    html = profile_page(reported(hostile, content_of(hostile)))
    found = Page(html)
    assert found.is_closed and not {"img", "script"} & found.elements.keys() and "\x1b" not in html


def test_a_record_of_a_timeline_without_work_still_makes_a_page() -> None:
    empty = replace(PROFILED, timeline=Timeline(), stages={})
    found = Page(profile_page(reported(empty)))
    assert "Nothing was scored, so no stage was waited for." in found.text
