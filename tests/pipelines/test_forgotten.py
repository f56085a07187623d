"""Forgotten photographs never come back, however they are called: whole runs, with Beam and the network."""

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from melanoma.ingest.roots import Root
from melanoma.model.bundle import load_bundle
from melanoma.operations.erasure import erase, remember
from melanoma.runs.records import NOTHING_NEW, RunRecord
from melanoma.runs.run import ModelRun
from melanoma.runs.stored_records import read_record
from pipelines.scoring import ScoreImages
from tests.helpers import fill
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import rows, run_once, start


@pytest.fixture
def archive(tmp_path: Path, bundle_uri: str) -> Path:
    """A folder of six photographs, two of which are forgotten, beside the table `out`."""
    paths = fill(tmp_path / "in", 6)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    table = table_in(tmp_path / "out")
    erase(table, remember(table, [f"file://{path}" for path in paths[:2]]))
    return tmp_path / "in"


def rescore(images: Path | str, output: Path, bundle_uri: str) -> RunRecord:
    return run_once(images, output, bundle_uri, run=replace(start(output, bundle_uri), rescore=True), chunk_size=2)


def ids(output: Path) -> set[str]:
    return {row["image_id"] for row in rows(output)}


KEPT = {f"lesion-{number:04}" for number in range(2, 6)}


def test_an_archive_that_moved_and_is_scored_again_does_not_bring_them_back(archive: Path, bundle_uri: str) -> None:
    output = archive.parent / "out"
    moved = archive.rename(archive.with_name("elsewhere"))
    for path in moved.iterdir():
        path.rename(path.with_name(f"new-{path.name}"))
    record = rescore(moved, output, bundle_uri)
    assert record.counts.add_up
    assert (record.counts.listed, record.counts.scored, record.counts.skipped) == (6, 4, 2)
    assert ids(output) == KEPT | {f"new-{name}" for name in KEPT}


def test_a_run_of_forgotten_photographs_only_has_nothing_to_commit(archive: Path, bundle_uri: str) -> None:
    output = archive.parent / "out"
    for number in range(2):
        (archive / f"lesion-000{number}{next(archive.iterdir()).suffix}").rename(archive / f"copy-{number}.jpg")
    record = run_once(archive, output, bundle_uri)
    assert (record.outcome, record.counts.skipped, record.counts.scored) == (NOTHING_NEW, 6, 0)
    assert record.counts.add_up and ids(output) == KEPT


def test_members_of_an_archive_are_known_by_their_bytes_too(archive: Path, bundle_uri: str) -> None:
    with zipfile.ZipFile(archive.parent / "in.zip", "w") as file:
        for path in archive.iterdir():
            file.write(path, f"deep/zipped-{path.name}")
    record = run_once(f"zip://deep/*::{archive.parent}/in.zip", archive.parent / "out", bundle_uri)
    assert record.counts.add_up and (record.counts.scored, record.counts.skipped) == (4, 2)
    assert ids(archive.parent / "out") == KEPT | {f"zipped-{name}" for name in KEPT}


def test_no_model_of_a_run_scores_them(archive: Path, bundle_uri: str, other_bundle_uri: str) -> None:
    output = archive.parent / "out"
    shutil.copytree(archive, archive.parent / "copies")
    models = [ModelRun(start(output, uri), load_bundle(uri)) for uri in (bundle_uri, other_bundle_uri)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        sources = [Root(str(archive)), Root(str(archive.parent / "copies"))]
        _ = pipeline | beam.Create(sources) | ScoreImages(models, batch_size=2, chunk_size=3)
    records = [read_record(model.run) for model in models]
    counts = [(record.counts.scored, record.counts.skipped) for record in records if record and record.counts.add_up]
    assert counts == [(4, 8), (8, 4)]
    assert ids(output) == KEPT
