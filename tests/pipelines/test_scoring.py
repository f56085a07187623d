"""Whole runs: every photograph gets one row, and the same row however it is scored."""

import datetime
import threading
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import keras
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from melanoma import storage
from melanoma.errors import NothingCommittedError
from melanoma.images import decoding, encoding
from melanoma.images.decoding import ImageSpec
from melanoma.ingest.manifests import Manifest
from melanoma.ingest.roots import Root
from melanoma.model.bundle import load_bundle
from melanoma.model.bundle_contents import BundleDocuments, ModelSettings
from melanoma.model.bundle_writer import write_bundle
from melanoma.runs import staging
from melanoma.runs.commit import end_run
from melanoma.runs.digests import PackedDigests
from melanoma.runs.records import Counts
from melanoma.runs.run import ModelRun
from melanoma.runs.run_totals import RunTotals
from melanoma.storage import filesystems
from melanoma.table.schema import score_schema
from melanoma.training.calibration.ood_score import add_ood_output
from pipelines.scoring import ScoreImages
from tests.helpers import approximately, fill, photograph
from tests.helpers.image_bytes import BROKEN
from tests.helpers.outputs import table_in
from tests.helpers.pipeline_runs import rows, run_once, start

SPEC = ImageSpec(16, 16)
PROBABILITIES = ("p_melanoma", "p_nevus", "p_basal_cell_carcinoma")


def probabilities(output: Path) -> dict[str, tuple[float, ...]]:
    """Returns the probabilities in the table by file name."""
    return {
        storage.name_of(row["image_uri"]): tuple(row[name] for name in PROBABILITIES)
        for row in rows(output)
        if row["status"] == "scored"
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    fill(folder, 70)
    return folder


@pytest.fixture(scope="module")
def reference(store: Path, bundle_uri: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, ...]]:
    output = tmp_path_factory.mktemp("reference") / "scores"
    run_once(store, output, bundle_uri)
    return probabilities(output)


def test_every_photograph_has_one_row_and_the_counts_add_up(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 6)
    for name, data in BROKEN.items():
        (tmp_path / "in" / f"broken {name}.jpg").write_bytes(data)
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    assert record.counts == Counts(listed=6 + len(BROKEN), scored=6, failed=len(BROKEN))
    assert record.counts.add_up
    table = table_in(tmp_path / "out").dataset().to_table()
    assert table.schema.equals(score_schema(load_bundle(bundle_uri).slugs), check_metadata=False)
    found = rows(tmp_path / "out")
    assert len(found) == len({row["image_uri"] for row in found}) == 6 + len(BROKEN)
    for row in found:
        if row["status"] == "scored":
            assert row["error_kind"] is None
            assert sum(row[name] for name in PROBABILITIES) == pytest.approx(1, abs=1e-6)
            assert row["flag_melanoma"] == (row["p_melanoma"] >= np.float32(0.3))
            assert (row["width"], row["height"]) == (80, 60)
            assert row["top_label"] in {"melanoma", "nevus", "basal_cell_carcinoma"}
        else:
            assert row["error_kind"] and row["error"]
            assert row["p_melanoma"] is None and row["top_label"] is None
        assert row["run_id"] == record.run_id and row["attempt"] == 1
    assert not [path for path in (tmp_path / "out" / "_staging").rglob("*") if path.is_file()]


def test_a_second_run_scores_only_new_and_changed_photographs(tmp_path: Path, bundle_uri: str) -> None:
    store = tmp_path / "in"
    fill(store, 3)
    (store / "broken.jpg").write_bytes(b"GIF89a")
    run_once(store, tmp_path / "out", bundle_uri)
    nothing = run_once(store, tmp_path / "out", bundle_uri)
    assert nothing.outcome == "nothing_new" and nothing.counts == Counts(listed=4, skipped=4)
    assert table_in(tmp_path / "out").version == 1
    (store / "lesion-0000.jpg").write_bytes(photograph(50))
    fill(store, 1, first=9)
    record = run_once(store, tmp_path / "out", bundle_uri)
    assert record.counts == Counts(listed=5, scored=2, skipped=3)
    versions = [row for row in rows(tmp_path / "out") if row["image_id"] == "lesion-0000"]
    assert len({row["image_version"] for row in versions}) == len({row["image_sha256"] for row in versions}) == 2


def test_another_model_scores_everything_and_brings_its_columns(
    tmp_path: Path, bundle_uri: str, other_bundle_uri: str
) -> None:
    fill(tmp_path / "in", 2)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    record = run_once(tmp_path / "in", tmp_path / "out", other_bundle_uri)
    assert record.counts == Counts(listed=2, scored=2)
    found = rows(tmp_path / "out")
    assert len({row["model_id"] for row in found}) == 2
    for row in found:
        has = row["p_squamous_cell_carcinoma"] is not None
        assert has == (row["model_id"] == load_bundle(other_bundle_uri).model_id)


def test_failures_that_may_heal_are_retried_and_counted(tmp_path: Path, bundle_uri: str) -> None:
    (path,) = fill(tmp_path / "in", 1)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"uri\n{path}\n{tmp_path / 'in' / 'late.jpg'}\n")
    sources = [Manifest(str(manifest))]
    first = run_once(sources, tmp_path / "out", bundle_uri)
    assert first.failures == {"missing": 1}
    assert run_once(sources, tmp_path / "out", bundle_uri).counts == Counts(listed=2, skipped=2), "once a day"
    second = run_once(sources, tmp_path / "out", bundle_uri, run=start(tmp_path / "out", bundle_uri, days=1))
    assert second.counts == Counts(listed=2, failed=1, skipped=1)
    (tmp_path / "in" / "late.jpg").write_bytes(photograph(5))
    third = run_once(sources, tmp_path / "out", bundle_uri)
    assert third.counts == Counts(listed=2, scored=1, skipped=1)
    late = [row for row in rows(tmp_path / "out") if row["image_id"] == "late"]
    assert {(row["status"], row["attempt"]) for row in late} == {("failed", 1), ("failed", 2), ("scored", 1)}


def test_a_store_that_returns_nothing_commits_nothing(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    fill(tmp_path / "in", 3)
    record = run_once(f"failing://{tmp_path / 'in'}", tmp_path / "out", bundle_uri)
    assert record.outcome == "store_down" and record.counts == Counts(listed=3, deferred=3)
    assert table_in(tmp_path / "out").version is None
    assert run_once(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=3, scored=3)


def test_a_store_that_fails_now_and_then_costs_only_those_photographs(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystems, "_TRIES", 1)
    fill(tmp_path / "in", 3)
    sources = [Root(f"failing://{tmp_path / 'in' / 'lesion-0000.jpg'}"), Root(str(tmp_path / "in"))]
    record = run_once(sources, tmp_path / "out", bundle_uri)
    assert record.failures == {"store_unavailable": 1} and record.counts.scored == 3


def test_a_zip_archive_and_a_memory_store_are_scored_like_a_folder(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, Any]
) -> None:
    paths = sorted(store.iterdir())
    with zipfile.ZipFile(tmp_path / "half.zip", "w") as archive:
        for path in paths[:35]:
            archive.write(path, f"deep/er/{path.name}")
    for path in paths[35:]:
        storage.write_bytes(f"memory://{tmp_path.name}/{path.name}", path.read_bytes())
    roots = [Root(f"zip://**/*.???::{tmp_path / 'half.zip'}"), Root(f"memory://{tmp_path.name}")]
    run_once(roots, tmp_path / "out", bundle_uri)
    assert probabilities(tmp_path / "out") == approximately(reference)


def test_a_limit_defers_the_rest(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 5)
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri, limit=2)
    assert record.counts == Counts(listed=5, scored=2, deferred=3)
    assert run_once(tmp_path / "in", tmp_path / "out", bundle_uri).counts == Counts(listed=5, scored=3, skipped=2)


def test_photographs_under_two_roots_are_scored_once(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in" / "sub", 3)
    sources = [Root(str(tmp_path / "in")), Root(str(tmp_path / "in" / "sub"))]
    record = run_once(sources, tmp_path / "out", bundle_uri)
    assert record.counts == Counts(listed=6, scored=3, duplicates=3)


@pytest.mark.parametrize("workers", [1, 2])
def test_photographs_under_two_roots_are_scored_once_though_waves_lie_between(
    tmp_path: Path, bundle_uri: str, workers: int
) -> None:
    fill(tmp_path / "in" / "sub", 5)
    sources = [Root(str(tmp_path / "in")), Root(str(tmp_path / "in" / "sub")), Root(str(tmp_path / "in"))]
    record = run_once(sources, tmp_path / "out", bundle_uri, wave_size=2, workers=workers)
    assert record.counts == Counts(listed=15, scored=5, duplicates=10)
    assert len({row["image_uri"] for row in rows(tmp_path / "out")}) == 5
    assert run_once(sources, tmp_path / "out", bundle_uri, wave_size=2).counts == Counts(listed=15, skipped=15)


@pytest.mark.parametrize("options", [{"chunk_size": 10}, {"chunk_size": 1000}, {"wave_size": 7, "chunk_size": 3}])
def test_the_chunk_size_changes_no_probability(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, Any], options: dict[str, int]
) -> None:
    run_once(store, tmp_path, bundle_uri, **options)
    assert probabilities(tmp_path) == approximately(reference)


def test_broken_neighbours_change_no_probability(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, Any]
) -> None:
    assert len(BROKEN) >= 12
    for index, data in enumerate(BROKEN.values()):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"lesion-{index:04d}-broken.jpg").write_bytes(data)
    run_once([Root(str(store)), Root(str(tmp_path / "in"))], tmp_path / "out", bundle_uri)
    assert probabilities(tmp_path / "out") == approximately(reference)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_batch_size_changes_probabilities_by_at_most_a_hundred_thousandth(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, Any], batch_size: int
) -> None:
    run_once(store, tmp_path, bundle_uri, batch_size=batch_size)
    found = probabilities(tmp_path)
    assert found.keys() == reference.keys()
    for name, expected in reference.items():
        np.testing.assert_allclose(found[name], expected, atol=1e-5, rtol=0)


def test_the_direct_runner_changes_no_probability(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, Any]
) -> None:
    run_once(store, tmp_path, bundle_uri, runner="DirectRunner")
    assert probabilities(tmp_path) == approximately(reference)


def test_two_workers_change_no_probability(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, Any]
) -> None:
    run = start(tmp_path, bundle_uri)
    words = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions(words)) as pipeline:
        transform = ScoreImages([ModelRun(run, load_bundle(bundle_uri))], chunk_size=10, workers=2)
        _ = pipeline | beam.Create([Root(str(store))]) | transform
    assert probabilities(tmp_path) == approximately(reference)


@pytest.mark.parametrize("hours", [None, 1])
def test_chunks_that_are_spread_over_a_cluster_change_no_probability(
    store: Path, tmp_path: Path, bundle_uri: str, reference: dict[str, list[float]], hours: int | None
) -> None:
    deadline = None if hours is None else datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    run = replace(start(tmp_path / "out", bundle_uri), deadline=deadline)
    record = run_once(store, tmp_path / "out", bundle_uri, run, chunk_size=2, workers=3, is_distributed=True)
    assert record.workers == 3 and record.counts.add_up
    assert probabilities(tmp_path / "out") == approximately(reference)


def test_runs_that_race_commit_every_photograph_once(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 4)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, limit=1)
    runs = [start(tmp_path / "out", bundle_uri) for _ in range(3)]
    records = []

    def go(index: int) -> None:
        records.append(run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=runs[index]))

    threads = [threading.Thread(target=go, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(tmp_path / "out")) == len({row["image_uri"] for row in rows(tmp_path / "out")}) == 4
    assert sum(record.counts.scored for record in records) == 3
    assert all(record.counts.add_up for record in records)


def test_a_run_that_planned_against_an_older_table_drops_what_was_committed_since(
    tmp_path: Path, bundle_uri: str
) -> None:
    fill(tmp_path / "in", 3)
    late = start(tmp_path / "out", bundle_uri)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri, limit=2)
    record = run_once(tmp_path / "in", tmp_path / "out", bundle_uri, run=late)
    assert record.counts == Counts(listed=3, scored=1, skipped=2)
    assert len(rows(tmp_path / "out")) == 3


def test_lost_photographs_prevent_the_commit(tmp_path: Path, bundle_uri: str) -> None:
    run = start(tmp_path, bundle_uri)
    with pytest.raises(NothingCommittedError, match="lost on the way"):
        end_run(run, RunTotals(listed=5, skipped=1, deferred=1, adopted=PackedDigests(), ignored=Counter()), [])
    assert table_in(tmp_path).version is None


def test_a_missing_staged_chunk_prevents_the_commit(tmp_path: Path, bundle_uri: str) -> None:
    run = start(tmp_path, bundle_uri)
    chunk = staging.StagedChunk(number=0, rows=5, duplicates=0, scored=5, store_failures=0)
    with pytest.raises(NothingCommittedError, match="gone or damaged"):
        end_run(run, RunTotals(listed=5, skipped=0, deferred=0, adopted=PackedDigests(), ignored=Counter()), [chunk])
    assert not table_in(tmp_path).holds(run.run_id)


def test_rows_say_which_photographs_a_person_should_look_at(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(6, 3, name="maps")(keras.layers.Rescaling(1 / 255)(pixels))
    head = keras.layers.Dense(3, activation="softmax", name="probabilities")
    network = keras.Model(pixels, head(keras.layers.GlobalAveragePooling2D()(maps)))
    known = np.stack([decoding.decode(photograph(seed), SPEC) for seed in range(60)])
    write_bundle(
        str(tmp_path / "bundle"),
        add_ood_output(network, ["maps"], known[:40], known[40:], batch_size=20),
        ModelSettings(
            labels=("melanoma", "nevus", "scc"),
            spec=SPEC,
            prior=(0.2, 0.7, 0.1),
            decision_rule="argmax",
            thresholds={"ood_above": 0.5, "review_below": 0.1},
        ),
        BundleDocuments(card="# For tests\n", licence="None.\n"),
    )
    fill(tmp_path / "in", 5)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (tmp_path / "in" / "noise.png").write_bytes(encoding.encode(noise, "png"))
    run_once(tmp_path / "in", tmp_path / "out", str(tmp_path / "bundle"))
    *familiar, strange = rows(tmp_path / "out", "image_uri", "review", "review_reason", "ood_score")
    assert (strange["review"], strange["review_reason"]) == (True, "unlike_training") and strange["ood_score"] > 0.5
    assert [(row["review"], row["review_reason"]) for row in familiar] == [(False, None)] * 5
    assert all(0 <= row["ood_score"] <= 0.5 for row in familiar)


def test_list_load_infer_and_stage_are_one_fused_stage(tmp_path: Path, bundle_uri: str) -> None:
    """A boundary between them would hold every photograph in memory, and every staged file back until the last one."""
    pipeline = beam.Pipeline(runner=FnApiRunner())
    run = start(tmp_path, bundle_uri)
    _ = pipeline | beam.Create([Root(str(tmp_path))]) | ScoreImages([ModelRun(run, load_bundle(bundle_uri))])
    _, stages = FnApiRunner().create_stages(pipeline.to_runner_api())
    parts = {"ListAndLookUp", "ReadAndDecode", "BeamML_RunInference", "StageChunk"}
    assert parts in [{part for part in parts if part in stage.name} for stage in stages]
