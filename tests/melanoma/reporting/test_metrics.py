"""Metrics are in the format of Prometheus, and keep the time of the last successful run."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma.errors import MelanomaError
from melanoma.reporting.metrics import Ending, as_text, write_metrics
from melanoma.reporting.verdict import ReportedRun
from melanoma.runs.records import NOTHING_NEW, STORE_DOWN, Counts
from tests.helpers.reports import RECORD, reported

LINE = re.compile(r'melanoma_[a-z_]+(\{([a-z]+="[a-z0-9_-]*",?)*\})? -?[0-9.e+-]+')
JUDGED = {"judged": True, "columns": {"p_nevus": 0.02, "top_label": 0.31}, "worst": "top_label"}
OTHER = replace(RECORD, model_id="m-000000000002")


def ending(*runs: ReportedRun, time: float = 100.0, exit_code: int | None = None) -> Ending:
    return Ending(runs, max(run.verdict.exit_code for run in runs) if exit_code is None else exit_code, time)


def lines_of(*runs: ReportedRun, last_success: float | None = None) -> list[str]:
    return as_text(ending(*runs), last_success).splitlines()


def test_every_line_is_a_sample_or_a_comment() -> None:
    text = as_text(ending(reported(RECORD, {"drift": {"bundle": JUDGED}}), time=1767322800.25), 1767322800.25)
    lines = text.splitlines()
    assert text.endswith("\n") and all(LINE.fullmatch(line) for line in lines if not line.startswith("#"))
    assert "melanoma_end_timestamp_seconds 1767322800.25" in lines


def test_every_family_has_help_and_type_once_before_its_samples() -> None:
    families = []
    for line in lines_of(reported(RECORD), reported(OTHER), last_success=5.0):
        if line.startswith("# HELP"):
            families.append(line.split()[2])
        elif line.startswith("# TYPE"):
            assert line == f"# TYPE {families[-1]} gauge"
        else:
            assert re.split(r"[{ ]", line)[0] == families[-1]
    assert len(families) == len(set(families)) == 12


def test_values_come_from_the_record() -> None:
    lines = lines_of(reported(RECORD))
    for sample in (
        'photographs{model="m-000000000001",outcome="scored"} 10',
        'photographs{model="m-000000000001",outcome="deferred"} 2',
        'failures{model="m-000000000001",kind="timeout"} 1',
        'seconds{model="m-000000000001"} 2880',
        'stage_seconds{model="m-000000000001",stage="list"} 1',
        'warnings{model="m-000000000001"} 1',
        'table_version{model="m-000000000001"} 118',
        'ok{model="m-000000000001"} 1',
        'over_budget{model="m-000000000001"} 0',
        'drift_over_limit{model="m-000000000001"} 0',
        "exit_code 0",
    ):
        assert f"melanoma_{sample}" in lines


def test_drift_is_the_largest_index_of_an_assessed_comparison() -> None:
    unjudged = {"judged": False, "columns": {}}
    lines = lines_of(reported(RECORD, {"drift": {"bundle": JUDGED, "earlier": unjudged}}))
    found = [line for line in lines if line.startswith("melanoma_drift{")]
    assert found == ['melanoma_drift{model="m-000000000001",against="bundle"} 0.31']


def test_unknown_values_have_no_sample() -> None:
    text = as_text(ending(reported(replace(RECORD, seconds=None, table_version=None))), None)
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert "melanoma_ok" in families
    assert not {f"melanoma_{name}" for name in ("seconds", "table_version", "success_timestamp_seconds")} & set(
        families
    )


def success_in(path: Path) -> float | None:
    found = re.search(r"^melanoma_success_timestamp_seconds (.*)$", path.read_text(), re.MULTILINE)
    return float(found[1]) if found else None


def test_the_time_of_the_last_successful_run_survives_others(tmp_path: Path) -> None:
    path = tmp_path / "m.prom"
    write_metrics(str(path), ending(reported(RECORD), time=100.0))
    assert success_in(path) == 100.0
    write_metrics(str(path), ending(reported(replace(RECORD, outcome=STORE_DOWN)), time=200.0))
    assert success_in(path) == 100.0 and 'melanoma_ok{model="m-000000000001"} 0' in path.read_text()
    write_metrics(str(path), ending(time=300.0, exit_code=2))
    assert success_in(path) == 100.0
    assert {"melanoma_ok 0", "melanoma_exit_code 2"} <= set(path.read_text().splitlines())
    write_metrics(str(path), ending(reported(replace(RECORD, outcome=NOTHING_NEW)), time=400.0))
    assert success_in(path) == 400.0


FAILING = replace(RECORD, counts=Counts(30, 0, 30))
DRIFTING = {"drift": {"earlier": JUDGED}}


@pytest.mark.parametrize(
    ("run", "over", "drift"),
    [
        (reported(FAILING), 1, 0),
        (reported(RECORD, DRIFTING), 0, 1),
        (reported(FAILING, DRIFTING), 1, 1),
    ],
)
def test_a_run_that_has_to_be_looked_at_is_not_ok(tmp_path: Path, run: ReportedRun, over: int, drift: int) -> None:
    path = tmp_path / "m.prom"
    write_metrics(str(path), ending(run))
    model = '{model="m-000000000001"}'
    wanted = {
        f"melanoma_ok{model} 0",
        f"melanoma_over_budget{model} {over}",
        f"melanoma_drift_over_limit{model} {drift}",
        "melanoma_exit_code 1",
    }
    assert wanted <= set(path.read_text().splitlines()) and success_in(path) is None


def test_a_run_is_successful_only_if_every_model_is(tmp_path: Path) -> None:
    runs = [reported(RECORD), reported(replace(OTHER, outcome=STORE_DOWN))]
    write_metrics(str(tmp_path / "m.prom"), ending(*runs))
    assert success_in(tmp_path / "m.prom") is None


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "m.prom"
    path.write_bytes(b"\xff\nmelanoma_success_timestamp_seconds soon\n")
    write_metrics(str(path), ending(exit_code=3))
    assert success_in(path) is None and "melanoma_end_timestamp_seconds 100\n" in path.read_text()


def test_a_file_that_cannot_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "m.prom").mkdir()
    with pytest.raises(MelanomaError, match="is a folder, not a file"):
        write_metrics(str(tmp_path / "m.prom"), ending(reported(RECORD)))


def test_a_shard_has_metrics_of_its_own_and_another_run_has_none_of_them() -> None:
    record = replace(RECORD, shard="1/4", other_waiting=7, absent_shards=("3/4", "4/4"))
    record = replace(record, counts=replace(record.counts, listed=50, other_shard=30))
    lines = lines_of(reported(record), reported(OTHER))
    assert 'melanoma_photographs{model="m-000000000001",outcome="other_shard"} 30' in lines
    assert 'melanoma_other_shards_waiting{model="m-000000000001"} 7' in lines
    assert 'melanoma_absent_shards{model="m-000000000001"} 2' in lines
    assert sum("shard" in line for line in lines if OTHER.model_id in line) == 0
