"""From sources to chunks and a plan, in one pass."""

from pathlib import Path

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma.ingest.roots import Root
from melanoma.ingest.tasks import PackedChunk
from melanoma.runs.lister import PlannedRun
from pipelines.listing import ListChunks
from tests.helpers import fill
from tests.helpers.pipeline_runs import run_once, start


def ids_in(chunk: PackedChunk) -> list[str]:
    return [task.ref.image_id for task in chunk.unpacked().tasks]


def counts_in(planned: PlannedRun) -> tuple[int, int, int, dict[str, int]]:
    summary = planned.summary
    return summary.listed, planned.chosen.tasks, summary.by_model[0].skipped, dict(summary.ignored)


def test_a_listing_counts_what_it_ignores(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "UPPER.JPG").write_bytes(b"")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        listing = pipeline | beam.Create([Root(str(tmp_path))]) | ListChunks([start(tmp_path / "out", bundle_uri)])
        ids = listing.chunks | beam.FlatMap(ids_in)
        assert_that(ids, equal_to(["lesion-0000", "lesion-0001", "UPPER"]), label="listed")
        assert_that(listing.planned | beam.Map(counts_in), equal_to([(3, 3, 0, {".txt": 1})]), label="planned")


def test_what_the_table_holds_is_skipped_and_counted_over_all_sources(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 1, first=2)
    fill(tmp_path / "more", 1, first=3)
    (tmp_path / "more" / "notes.txt").write_text("x")
    run = start(tmp_path / "out", bundle_uri)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        listing = pipeline | beam.Create([str(tmp_path / "in"), str(tmp_path / "more")]) | ListChunks([run])
        ids = listing.chunks | beam.FlatMap(ids_in)
        assert_that(ids, equal_to(["lesion-0002", "lesion-0003"]), label="chunks")
        assert_that(listing.planned | beam.Map(counts_in), equal_to([(4, 2, 2, {".txt": 1})]), label="planned")
