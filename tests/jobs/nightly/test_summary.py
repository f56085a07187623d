"""The summary of a run, line by line."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.nightly.summary import summary
from melanoma.disclaimer import NO_DIAGNOSIS
from melanoma.reporting.messages import failures_command
from melanoma.runs.records import NOTHING_NEW, STORE_DOWN, Counts
from melanoma.runs.run import ModelRun
from tests.helpers.model_runs import model_run
from tests.helpers.reports import RECORD, reported


@pytest.fixture
def model(tmp_path: Path, bundle_uri: str) -> ModelRun:
    return model_run(tmp_path / "out", bundle_uri)


def test_a_committed_run_shows_all_that_it_has(model: ModelRun, tmp_path: Path) -> None:
    record = replace(RECORD, adopted=4321, classes={"nevus": 3, "melanoma": 7}, failures={"truncated": 1, "timeout": 2})
    assert summary(model, reported(record), 2.0).splitlines() == [
        "Run 20260102T030405Z-00000000 finished in 2 s: committed",
        "  counts    20 listed = 10 scored + 3 failed + 4 skipped + 1 duplicates + 2 deferred",
        "  rate      6.5 photographs/s, start-up included",
        "  resumed   4,321 rows that an earlier run had staged",
        "  deferred  2 left for the next run, which starts with them",
        "  ignored   .txt 5",
        "  failed    timeout 2, truncated 1",
        f"  list them {failures_command(f'file://{tmp_path}/out', RECORD.run_id)}",
        "  classes   melanoma 7, nevus 3",
        f"  table     file://{tmp_path / 'out'}, version 118",
        f"  report    file://{tmp_path / 'out'}/_reports/{RECORD.run_id}.html",
        "  model     m-000000000001",
        "  licence   Public domain: made of random numbers.",
        f'  next      open the report, or query the table: melanoma query file://{tmp_path / "out"} "FROM latest"',
        f"  {NO_DIAGNOSIS}",
    ]


@pytest.mark.parametrize(
    ("outcome", "text", "last"),
    [
        (NOTHING_NEW, "nothing new, nothing committed", []),
        (STORE_DOWN, "the store returned no photographs, nothing committed", ["next"]),
    ],
)
def test_a_run_without_rows_shows_no_empty_lines(model: ModelRun, outcome: str, text: str, last: list[str]) -> None:
    record = replace(RECORD, outcome=outcome, counts=Counts(5, skipped=5), table_version=None, failures={}, ignored={})
    lines = summary(model, reported(record), 180.0).splitlines()
    assert lines[0] == f"Run {record.run_id} finished in 3 min: {text}"
    assert [line.split()[0] for line in lines[1:-1]] == ["counts", "table", "report", "model", "licence", *last]
    assert "version" not in lines[2]


def test_a_run_that_had_no_time_to_start_does_not_claim_that_nothing_is_new(model: ModelRun) -> None:
    record = replace(RECORD, outcome=NOTHING_NEW, counts=Counts(5, deferred=5))
    assert summary(model, reported(record), 4.0).startswith(
        f"Run {record.run_id} finished in 4 s: out of time, nothing committed"
    )


def test_a_long_licence_is_cut_at_a_word_and_stays_on_one_line(model: ModelRun) -> None:
    bundle = replace(model.bundle, files={**model.bundle.files, "LICENSE": b"No warranty\r\nat\tall. " * 40})
    lines = summary(ModelRun(model.run, bundle), reported(), 1.0).splitlines()
    licence = next(line for line in lines if line.startswith("  licence"))
    assert len(licence) < 320 and licence.startswith("  licence   No warranty at all. No")
    assert licence.removesuffix(" …").split()[-1] in ("No", "warranty", "at", "all.")
