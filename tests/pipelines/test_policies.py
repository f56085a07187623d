"""Options of a run: several models, a deadline, retries and rescoring, a store that has moved."""

import datetime
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import apache_beam as beam
import fsspec
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from fsspec.implementations.local import LocalFileSystem

from melanoma.ingest.roots import Root
from melanoma.model.bundle import load_bundle
from melanoma.runs import deferred
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun, Run, new_run
from melanoma.runs.stored_records import read_record
from pipelines.scoring import ScoreImages
from tests.helpers import approximately, fill, write_tiny_bundle
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.pipeline_runs import assert_one_row_each, committed, rows, run_once, start


@pytest.fixture(scope="module")
def other_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_tiny_bundle(tmp_path_factory.mktemp("other") / "bundle", seed=7)


def run_models(images: Path | str, output: Path, *bundles: str, **options: Any) -> list[RunRecord]:
    models = [ModelRun(start(output, uri), load_bundle(uri)) for uri in bundles]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create([Root(str(images))]) | ScoreImages(models, **options)
    records = [read_record(model.run) for model in models]
    return [record for record in records if record is not None]


def probabilities(output: Path, model_id: str) -> dict[str, tuple[float, ...]]:
    found = [row for row in rows(output) if row["model_id"] == model_id]
    return {row["image_id"]: tuple(v for k, v in row.items() if k.startswith("p_")) for row in found}


def test_two_models_score_every_photograph_each_as_it_would_alone(
    tmp_path: Path, bundle_uri: str, other_uri: str
) -> None:
    fill(tmp_path / "in", 9)
    (tmp_path / "in" / "broken.jpg").write_bytes(b"")
    records = run_models(tmp_path / "in", tmp_path / "both", bundle_uri, other_uri, batch_size=4, chunk_size=3)
    assert [(record.counts.scored, record.counts.failed) for record in records] == [(9, 1), (9, 1)]
    for uri in (bundle_uri, other_uri):
        run_once(tmp_path / "in", tmp_path / "alone", uri, batch_size=4, chunk_size=5)
        model_id = load_bundle(uri).model_id
        alone = probabilities(tmp_path / "alone", model_id)
        assert len(alone) == 10 and probabilities(tmp_path / "both", model_id) == approximately(alone)


def test_two_models_of_which_one_is_new_agree_in_waves(tmp_path: Path, bundle_uri: str, other_uri: str) -> None:
    fill(tmp_path / "in", 3)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 4, first=3)
    records = run_models(tmp_path / "in", tmp_path / "out", bundle_uri, other_uri, wave_size=2)
    assert [(record.counts.scored, record.counts.skipped) for record in records] == [(4, 3), (7, 0)]
    assert committed(tmp_path / "out") == 14


class CountingFileSystem(LocalFileSystem):  # type: ignore[misc]
    """A store that counts what is read from it: counting://path."""

    protocol = "counting"
    read: ClassVar[list[str]] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(path).removeprefix("counting://")

    def cat_file(self, path: str, *args: object, **options: object) -> bytes:
        self.read.append(path)
        data: bytes = super().cat_file(path, *args, **options)
        return data


def test_a_photograph_is_read_once_for_all_models(tmp_path: Path, bundle_uri: str, other_uri: str) -> None:
    fsspec.register_implementation("counting", CountingFileSystem, clobber=True)
    paths = fill(tmp_path / "in", 4)
    records = run_models(f"counting://{tmp_path}/in", tmp_path / "out", bundle_uri, other_uri)
    assert [record.counts.scored for record in records] == [4, 4]
    assert sorted(CountingFileSystem.read) == [str(path) for path in paths]


def test_each_model_scores_what_it_lacks_itself(tmp_path: Path, bundle_uri: str, other_uri: str) -> None:
    fill(tmp_path / "in", 3)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 2, first=3)
    first, second = run_models(tmp_path / "in", tmp_path / "out", bundle_uri, other_uri, chunk_size=2)
    assert (first.counts.scored, first.counts.skipped) == (2, 3)
    assert (second.counts.scored, second.counts.skipped) == (5, 0)
    assert len(rows(tmp_path / "out")) == 10
    assert [record.outcome for record in run_models(tmp_path / "in", tmp_path / "out", bundle_uri, other_uri)] == [
        "nothing_new"
    ] * 2


def test_a_limit_counts_photographs_whatever_the_number_of_models(
    tmp_path: Path, bundle_uri: str, other_uri: str
) -> None:
    fill(tmp_path / "in", 5)
    for expected in (2, 2, 1):
        records = run_models(tmp_path / "in", tmp_path / "out", bundle_uri, other_uri, limit=2)
        assert [record.counts.scored for record in records] == [expected] * 2
        assert all(record.counts.add_up for record in records)


def with_deadline(output: Path, bundle_uri: str, moment: datetime.datetime) -> Run:
    return replace(start(output, bundle_uri), deadline=moment)


def just_now() -> datetime.datetime:
    """A moment that has passed, but not so long ago that a listing would be given up."""
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)


def test_after_the_deadline_no_chunk_is_started_and_the_next_run_scores_the_rest(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 6)
    late = with_deadline(tmp_path / "out", bundle_uri, just_now())
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=late, chunk_size=2)
    assert (record.outcome, record.counts.deferred, record.counts.scored) == ("nothing_new", 6, 0)
    assert record.counts.add_up and len(deferred.read(late)) == 6
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert (record.counts.scored, record.counts.deferred) == (6, 0)
    assert not deferred.read(late)


def test_deferred_photographs_are_scored_before_new_ones(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 4)
    late = with_deadline(tmp_path / "out", bundle_uri, just_now())
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=late)
    fill(tmp_path / "in", 36, first=4)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    in_time = with_deadline(tmp_path / "out", bundle_uri, soon)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=in_time, chunk_size=2)
    by_time = sorted(rows(tmp_path / "out", "image_id", "scored_at"), key=lambda row: row["scored_at"])
    assert sorted(row["image_id"] for row in by_time[:4]) == [f"lesion-{number:04}" for number in range(4)]
    assert len(by_time) == 40


def test_a_limit_takes_deferred_photographs_first(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 3)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=with_deadline(tmp_path / "out", bundle_uri, just_now()))
    fill(tmp_path / "in", 27, first=3)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, limit=3)
    assert [row["image_id"] for row in rows(tmp_path / "out")] == ["lesion-0000", "lesion-0001", "lesion-0002"]


def test_rescoring_adds_a_row_with_the_next_attempt(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 3)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    for attempt in (2, 3):
        run = replace(start(tmp_path / "out", bundle_uri), rescore=True)
        record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=run)
        assert record.counts.scored == 3
        assert max(row["attempt"] for row in rows(tmp_path / "out")) == attempt
    keys = [(row["image_uri"], row["attempt"]) for row in rows(tmp_path / "out")]
    assert len(set(keys)) == len(keys) == 9


def test_two_rescoring_runs_at_once_add_one_row_each_photograph(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 3)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    runs = [replace(start(tmp_path / "out", bundle_uri), rescore=True) for _ in range(2)]
    scored = [run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=run).counts.scored for run in runs]
    assert scored == [3, 0]
    assert sorted(row["attempt"] for row in rows(tmp_path / "out")) == [1, 1, 1, 2, 2, 2]


def moved(tmp_path: Path, bundle_uri: str, photographs: int = 30) -> Path:
    fill(tmp_path / "in", photographs)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    return tmp_path / "in"


def test_a_store_whose_files_all_changed_at_once_stops_the_run(tmp_path: Path, bundle_uri: str) -> None:
    for path in moved(tmp_path, bundle_uri).iterdir():
        os.utime(path, (5, 5))
    with pytest.raises(Exception, match=r"30 of 30 photographs that the table knows.*--rescore.*nothing was read"):
        run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert_one_row_each(tmp_path / "out", 30)
    run = replace(start(tmp_path / "out", bundle_uri), rescore=True)
    assert run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=run).counts.scored == 30


def test_a_few_files_that_changed_stop_nothing(tmp_path: Path, bundle_uri: str) -> None:
    for path in sorted(moved(tmp_path, bundle_uri).iterdir())[:6]:
        os.utime(path, (5, 5))
    assert run_once(tmp_path / "in", tmp_path / "out", bundle_uri).counts.scored == 6


def test_a_store_that_has_moved_stops_the_run_until_its_old_name_is_given(tmp_path: Path, bundle_uri: str) -> None:
    moved(tmp_path, bundle_uri).rename(tmp_path / "elsewhere")
    with pytest.raises(Exception, match=r"30 of 30 photographs that the table knows.*another place.*--uri-base"):
        run_once(tmp_path / "elsewhere", tmp_path / "out", bundle_uri)
    known_as = Root(str(tmp_path / "elsewhere"), base=str(tmp_path / "in"))
    fill(tmp_path / "elsewhere", 2, first=30)
    record = run_once([known_as], tmp_path / "out", bundle_uri)
    assert (record.counts.scored, record.counts.skipped) == (2, 30)
    assert all(row["image_uri"].startswith(f"file://{tmp_path}/in/") for row in rows(tmp_path / "out"))


def test_copies_beside_originals_that_are_still_there_stop_nothing(tmp_path: Path, bundle_uri: str) -> None:
    shutil.copytree(moved(tmp_path, bundle_uri), tmp_path / "in" / "copies")
    assert run_once(tmp_path / "in", tmp_path / "out", bundle_uri).counts.scored == 30


def test_photographs_from_before_the_given_date_are_left_out(tmp_path: Path, bundle_uri: str) -> None:
    paths = fill(tmp_path / "in", 4)
    for path in paths[:3]:
        os.utime(path, (1e9, 1e9))
    recent = Root(str(tmp_path / "in"), since=datetime.date(2015, 1, 1))
    record = run_once([recent], tmp_path / "out", bundle_uri)
    assert (record.counts.listed, record.counts.scored) == (1, 1)
    assert record.ignored == {"older than --since": 3}


def test_a_record_says_what_each_kind_of_work_cost(tmp_path: Path, bundle_uri: str) -> None:
    paths = fill(tmp_path / "in", 5)
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert set(record.stages) == {"list", "read", "decode", "infer", "stage", "commit"}
    assert all(stage.seconds > 0 and stage.photographs == 5 for stage in record.stages.values())
    assert record.stages["read"].bytes == sum(path.stat().st_size for path in paths)


def test_a_new_run_has_no_options(tmp_path: Path, bundle_uri: str) -> None:
    run = new_run(layout_of(tmp_path), load_bundle(bundle_uri), pa.schema([]), table_in(tmp_path).version, None)
    assert not run.rescore and not run.retry_failed and run.deadline is None
