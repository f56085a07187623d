"""The bottleneck is the stage that the rest of a run waited for."""

from dataclasses import replace

import pytest

from melanoma.reporting.bottleneck import START_UP, bottleneck
from melanoma.runs.records import Counts, RunRecord, Stage
from tests.helpers.reports import RECORD


def record(**seconds: float) -> RunRecord:
    """A run of 100 seconds with work in some stages."""
    return replace(RECORD, seconds=100.0, stages={name: Stage(value, 13) for name, value in seconds.items()})


@pytest.mark.parametrize(
    ("record", "stage"),
    [
        (record(infer=80.0, read=300.0, decode=20.0), "infer"),
        (record(list=60.0, infer=10.0), "list"),
        (record(infer=20.0, read=300.0, decode=50.0), "read"),
        (record(infer=20.0, read=30.0, decode=50.0), "decode"),
        (record(infer=1.0, read=1.0), START_UP),
        (record(), START_UP),
        (replace(RECORD, seconds=None), ""),
        (replace(RECORD, counts=Counts(5, skipped=5)), ""),
    ],
)
def test_the_bottleneck_is_the_stage_that_others_waited_for(record: RunRecord, stage: str) -> None:
    assert bottleneck(record)["stage"] == stage


def test_shares_are_shares_of_the_time_of_all_workers() -> None:
    found = bottleneck(replace(record(infer=120.0, list=20.0), workers=2))
    assert found["shares"] == pytest.approx({"list": 0.2, "infer": 0.6, "stage": 0.0, "commit": 0.0})
    assert found["stage"] == "infer"


def test_several_workers_need_more_reading_before_it_is_the_bottleneck() -> None:
    assert bottleneck(record(read=60.0))["stage"] == "read"
    assert bottleneck(replace(record(read=60.0), workers=2))["stage"] == START_UP
