"""What a dry run prints: settings that make a file, and counts that the run will have."""

import datetime
import os
import tomllib
from pathlib import Path

import pytest

from jobs.cli import main, parse
from jobs.console.arg_types import duration
from jobs.nightly import dry_run
from jobs.nightly.options import NightlyOptions
from jobs.nightly.plan import RunPlan, prepare
from melanoma.errors import ErrorKind, PhotographError, UsageError
from melanoma.ingest.loading import Loaded
from melanoma.ingest.sources import list_images
from melanoma.model.bundle import load_bundle
from melanoma.runs.records import Counts
from melanoma.runs.row_builder import RowBuilder
from melanoma.runs.staging import write_chunk
from tests.helpers import fill


def words_for(tmp_path: Path, bundle_uri: str, *words: str) -> list[str]:
    where = ["--images", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--bundle", bundle_uri]
    return ["score", *where, *words]


def options(words: list[str]) -> NightlyOptions:
    invocation = parse([*words, "--dry-run"])
    return NightlyOptions.from_command_line(invocation.args, invocation.beam_options)


def plan_for(words: list[str]) -> RunPlan:
    return prepare(options(words))


def test_settings_are_a_file_with_every_flag_that_has_a_value() -> None:
    words = ["score", "--images", 'a "b"', "--images", "é", "--bundle", "b", "--output", "o", "--since", "2026-01-02"]
    more = ["--stop-at", "05:30", "--max-time", "1h30m", "--rescore", "--limit", "3"]
    heading, *lines = dry_run.settings(options([*words, *more])).splitlines()
    assert heading == "Settings"
    assert tomllib.loads("\n".join(lines)) == {
        "images": ['a "b"', "é"],
        "bundle": ["b"],
        "output": "o",
        "since": datetime.date(2026, 1, 2),
        "stop-at": datetime.time(5, 30),
        "max-time": "1h30m",
        "rescore": True,
        "limit": 3,
        "batch-size": 32,
        "wave-size": 100_000,
        "engine": "auto",
        "object-timeout": "1m",
        "max-failed": 0.05,
        "max-drift": 0.2,
        "max-bundle-drift": 2.0,
        "log-format": "text",
        "output-mode": "group",
    }


@pytest.mark.parametrize("length", ["5h", "1h30m", "90s", "45s", "2h5s", "26h", "0s"])
def test_a_length_of_time_is_one_that_the_flag_takes(length: str) -> None:
    words = ["score", "--images", "a", "--bundle", "b", "--output", "o", "--max-time", length]
    lines = dry_run.settings(options(words)).splitlines()
    (line,) = [line for line in lines if "max-time" in line]
    printed = tomllib.loads(line)["max-time"]
    assert duration(printed) == duration(length) and len(printed) <= len("1h30m")


def test_words_for_beam_are_settings_too() -> None:
    invocation = parse(["score", "--bundle", "b", "--output", "o", "--", "--runner=FlinkRunner"])
    text = dry_run.settings(NightlyOptions.from_command_line(invocation.args, invocation.beam_options))
    assert '  beam-options = ["--runner=FlinkRunner"]' in text.splitlines()


def test_counts_are_those_that_the_run_will_have(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 3)
    words = words_for(tmp_path, bundle_uri)
    assert main([*words, "--limit", "2"]) == 0
    fill(tmp_path / "in", 4, first=3)
    both = [*words, "--images", str(tmp_path / "in" / "lesion-0004.jpg")]
    assert dry_run.count(plan_for(both), None) == [Counts(8, scored=5, skipped=2, duplicates=1)]
    assert dry_run.count(plan_for(both), 4) == [Counts(8, scored=4, skipped=2, duplicates=1, deferred=1)]
    assert dry_run.count(plan_for([*both, "--rescore"]), None) == [Counts(8, scored=7, duplicates=1)]


def test_staged_rows_of_a_killed_run_do_not_count_against_the_limit(tmp_path: Path, bundle_uri: str) -> None:
    """They need no scoring; the run commits them and as many others as the limit allows."""
    fill(tmp_path / "in", 5)
    words = words_for(tmp_path, bundle_uri)
    (run,) = plan_for(words).runs
    first, second, *_ = [ref for source in plan_for(words).sources for ref in list_images(source)]
    builder = RowBuilder(run, load_bundle(bundle_uri))
    error = PhotographError(ErrorKind.EMPTY, "no bytes")
    builder.add_failed([Loaded(ref, error=error) for ref in (first, second)])
    write_chunk(run, 0, builder.table())
    assert dry_run.count(plan_for(words), 2) == [Counts(5, scored=4, deferred=1)]


def test_each_model_has_its_own_counts(tmp_path: Path, bundle_uri: str, other_bundle_uri: str) -> None:
    fill(tmp_path / "in", 3)
    words = words_for(tmp_path, bundle_uri)
    assert main(words) == 0
    plan = plan_for([*words, "--bundle", other_bundle_uri])
    counts = dry_run.count(plan, None)
    assert [(of_model.scored, of_model.skipped) for of_model in counts] == [(0, 3), (3, 0)]
    first, second, last = dry_run.describe(plan, counts).splitlines()
    assert first == (
        f"Would score 0 of 3 listed photographs with {Path(bundle_uri).name} ({plan.runs[0].model_id}) "
        "(3 skipped: scored already, failed for good, waiting for a retry, or forgotten)."
    )
    assert second == (
        f"Would score 3 of 3 listed photographs with {Path(other_bundle_uri).name} ({plan.runs[1].model_id})."
    )
    assert "nothing was written" in last


def test_every_part_of_the_rest_is_named(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 1)
    counts = [Counts(2000, scored=1200, skipped=500, duplicates=100, deferred=200)]
    (sentence, _) = dry_run.describe(plan_for(words_for(tmp_path, bundle_uri)), counts).splitlines()
    assert sentence.startswith("Would score 1,200 of 2,000 listed photographs with ")
    assert sentence.endswith(
        "(500 skipped: scored already, failed for good, waiting for a retry, or forgotten; 100 listed twice; "
        "200 above --limit)."
    )


def test_a_store_that_seems_to_have_moved_is_refused_as_in_the_run(tmp_path: Path, bundle_uri: str) -> None:
    paths = fill(tmp_path / "in", 25)
    words = words_for(tmp_path, bundle_uri)
    assert main(words) == 0
    for path in paths:
        os.utime(path, (1, 1))
    with pytest.raises(UsageError, match="25 of 25 photographs"):
        dry_run.count(plan_for(words), None)


def test_a_dry_run_says_how_a_cluster_would_share_the_work(
    tmp_path: Path, bundle_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "in", 2)
    beam = ["--runner=SparkRunner", "--spark_master_url=local[3]"]
    assert main([*words_for(tmp_path, bundle_uri, "--dry-run"), "--", *beam]) == 0
    assert "The run would be distributed by SparkRunner, 3 chunks at once." in capsys.readouterr().out
    assert main([*words_for(tmp_path, bundle_uri, "--dry-run")]) == 0
    assert "distributed" not in capsys.readouterr().out
