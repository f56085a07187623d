"""The record of a run comes back from its JSON, also from that of an earlier version; its counts must add up."""

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.runs.records import (
    COMMITTED,
    KILLED,
    NOTHING_NEW,
    STAGES,
    STOPPED,
    STORE_DOWN,
    Counts,
    RunRecord,
    Stage,
    as_document,
    write_record,
)
from melanoma.runs.stored_records import read_record, record_of, stored_record
from tests.helpers import ROOT
from tests.helpers.outputs import layout_of
from tests.helpers.planned_runs import run_on

EARLIER = sorted((ROOT / "tests" / "data" / "version-0.1" / "table" / "_reports").glob("*.json"))
RECORD = RunRecord(
    run_id="20260102T010000Z-00000000",
    run_date="2026-01-02",
    model_id="m-000000000001",
    outcome=COMMITTED,
    counts=Counts(listed=21, scored=6, failed=5, skipped=4, duplicates=3, deferred=3, ignored=2),
    adopted=1,
    table_version=7,
    failures={"corrupt": 3, "missing": 2},
    classes={"nevus": 6},
    ignored={".txt": 2},
    stages={name: Stage(0.5 * place, place, 10 * place) for place, name in enumerate(STAGES)},
    workers=4,
    warnings=("a warning", "another"),
    seconds=12.5,
    reason='é: "quoted", \\ and \u2028',
)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_record(layout_of(tmp_path), RECORD)
    assert read_record(run_on(tmp_path)) == RECORD


def test_a_run_without_a_record_has_not_ended(tmp_path: Path) -> None:
    write_record(layout_of(tmp_path), RECORD)
    assert read_record(run_on(tmp_path, number=1)) is None


def test_a_record_holds_every_name_that_programs_read(tmp_path: Path) -> None:
    write_record(layout_of(tmp_path), RECORD)
    document = json.loads((tmp_path / "_reports" / f"{RECORD.run_id}.json").read_text(encoding="utf-8"))
    assert document == {
        "run_id": "20260102T010000Z-00000000",
        "run_date": "2026-01-02",
        "model_id": "m-000000000001",
        "outcome": "committed",
        "counts": {
            "listed": 21,
            "scored": 6,
            "failed": 5,
            "skipped": 4,
            "duplicates": 3,
            "deferred": 3,
            "ignored": 2,
        },
        "adopted": 1,
        "table_version": 7,
        "failures": {"corrupt": 3, "missing": 2},
        "classes": {"nevus": 6},
        "ignored": {".txt": 2},
        "stages": {
            name: {"seconds": 0.5 * place, "photographs": place, "bytes": 10 * place}
            for place, name in enumerate(["list", "read", "decode", "infer", "stage", "commit"])
        },
        "workers": 4,
        "warnings": ["a warning", "another"],
        "seconds": 12.5,
        "reason": 'é: "quoted", \\ and \u2028',
        "model_name": "",
    }


NAMED = {"run_id": "a", "run_date": "2026-01-02", "model_id": "c", "outcome": "d"}


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_a_record_of_an_earlier_version_is_read_whole(path: Path) -> None:
    document = json.loads(path.read_text())
    record = record_of(document)
    found = json.loads(json.dumps(as_document(record)))
    assert found == {name: value for name, value in document.items() if name != "report"} | {"model_name": ""}
    assert record.counts.add_up and record.is_successful


def test_there_are_records_of_an_earlier_version() -> None:
    assert len(EARLIER) == 4


def test_a_record_that_holds_less_or_more_is_read() -> None:
    least = {name: getattr(RECORD, name) for name in ("run_id", "run_date", "model_id", "outcome")}
    record = record_of({**least, "counts": {"listed": 3, "skipped": 3}, "of a later version": [1]})
    assert record == RunRecord(**least, counts=Counts(listed=3, skipped=3))
    assert (record.warnings, record.stages, record.workers, record.seconds) == ((), {}, 1, None)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"counts": {}},
        {
            "counts": {"listed": 1, "guessed": 2},
            "run_id": "a",
            "run_date": "2026-01-02",
            "model_id": "c",
            "outcome": "d",
        },
        {"counts": [], **NAMED},
        {"counts": {}, "stages": [], **NAMED},
        {"counts": {}, "stages": {"list": 1}, **NAMED},
        None,
    ],
)
def test_what_is_not_a_record_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"record|counts|stages|list"):
        record_of(document)


def test_a_store_that_refuses_a_record_is_reported(tmp_path: Path) -> None:
    (tmp_path / "_reports").write_text("a file where the folder should be")
    with pytest.raises(NothingCommittedError):
        write_record(layout_of(tmp_path), RECORD)


@pytest.mark.parametrize("seed", range(20))
def test_counts_add_up_only_if_no_photograph_is_lost_or_counted_twice(seed: int) -> None:
    draw = random.Random(seed)
    parts = {name: draw.randrange(1000) for name in ("scored", "failed", "skipped", "duplicates", "deferred")}
    whole = Counts(listed=sum(parts.values()), ignored=draw.randrange(9), **parts)
    assert whole.add_up
    for name in (*parts, "listed"):
        for change in (-1, 1):
            assert not dataclasses.replace(whole, **{name: getattr(whole, name) + change}).add_up
    assert dataclasses.replace(whole, ignored=whole.ignored + 5).add_up


@pytest.mark.parametrize(
    ("outcome", "is_successful"),
    [(COMMITTED, True), (NOTHING_NEW, True), (STORE_DOWN, False), (STOPPED, False), (KILLED, False)],
)
def test_a_run_that_has_nothing_to_commit_is_successful_too(outcome: str, is_successful: bool) -> None:
    assert dataclasses.replace(RECORD, outcome=outcome).is_successful is is_successful


def test_work_of_one_kind_adds_up() -> None:
    stages = [Stage(0.25, 1, 100), Stage(0.5, 2, 0), Stage(1.25, 3, 7)]
    assert sum(stages, Stage()) == Stage(2.0, 6, 107)


def test_nothing_else_lies_beside_a_record(tmp_path: Path) -> None:
    write_record(layout_of(tmp_path), RECORD)
    write_record(layout_of(tmp_path), dataclasses.replace(RECORD, outcome=STOPPED))
    assert [storage.name_of(stored.uri) for stored in storage.list_files(layout_of(tmp_path).root)] == [
        f"{RECORD.run_id}.json"
    ]


def test_a_record_of_a_shard_comes_back_and_another_one_has_no_word_of_shards(tmp_path: Path) -> None:
    counts = Counts(listed=9, scored=2, other_shard=7)
    record = dataclasses.replace(RECORD, counts=counts, shard="2/4", other_waiting=5, absent_shards=("1/4", "3/4"))
    write_record(layout_of(tmp_path), record)
    found = stored_record(layout_of(tmp_path), record.run_id)
    assert found == record and found.counts.add_up
    assert not {"shard", "other_waiting", "absent_shards"} & as_document(RECORD).keys()
    assert "other_shard" not in as_document(RECORD)["counts"]
