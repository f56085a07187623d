"""From sources to tasks and a summary, in one pass."""

from collections import Counter
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma.ingest.roots import Root
from melanoma.runs.planning import LedgerCounts, ListingSummary
from pipelines import listing
from pipelines.listing import ListTasks
from tests.helpers import fill
from tests.helpers.pipeline_runs import run_once, start


def test_a_listing_counts_what_it_ignores(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "UPPER.JPG").write_bytes(b"")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        listing = pipeline | beam.Create([Root(str(tmp_path))]) | ListTasks([start(tmp_path / "out", bundle_uri)])
        ids = listing.tasks | beam.Map(lambda task: task.ref.image_id)
        assert_that(ids, equal_to(["lesion-0000", "lesion-0001", "UPPER"]), label="listed")
        found = listing.summaries | beam.Map(lambda found: (found.listed, found.tasks, dict(found.ignored)))
        assert_that(found, equal_to([(3, 3, {".txt": 1})]), label="found")


def test_what_the_table_holds_is_skipped_and_counted_for_each_source(tmp_path: Path, bundle_uri: str) -> None:
    fill(tmp_path / "in", 2)
    run_once(tmp_path / "in", tmp_path / "out", bundle_uri)
    fill(tmp_path / "in", 1, first=2)
    fill(tmp_path / "more", 1, first=3)
    run = start(tmp_path / "out", bundle_uri)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        listing = pipeline | beam.Create([str(tmp_path / "in"), str(tmp_path / "more")]) | ListTasks([run])
        ids = listing.tasks | beam.Map(lambda task: task.ref.image_id)
        assert_that(ids, equal_to(["lesion-0002", "lesion-0003"]), label="tasks")
        found = listing.summaries | beam.Map(lambda found: (found.listed, found.tasks, found.by_model[0].skipped))
        assert_that(found, equal_to([(3, 1, 2), (1, 1, 0)]), label="summaries")


def test_a_listing_longer_than_a_page_loses_nothing(
    tmp_path: Path, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PAGE", 3)
    fill(tmp_path / "in", 7)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        found = pipeline | beam.Create([str(tmp_path / "in")]) | ListTasks([start(tmp_path / "out", bundle_uri)])
        ids = found.tasks | beam.Map(lambda task: task.ref.image_id)
        assert_that(ids, equal_to([f"lesion-{number:04}" for number in range(7)]), label="tasks")
        assert_that(found.summaries | beam.Map(lambda found: found.listed), equal_to([7]), label="listed")


def test_summaries_of_several_sources_add_up(tmp_path: Path, bundle_uri: str) -> None:
    runs = [start(tmp_path, bundle_uri)]
    one = ListingSummary((LedgerCounts(skipped=1, new=2),), listed=3, tasks=2, ignored=Counter({".txt": 1}))
    two = ListingSummary((LedgerCounts(skipped=4, new=0),), listed=4, tasks=0, ignored=Counter({".txt": 2, ".md": 1}))
    found = listing.total([one, two], runs)
    assert (found.listed, found.tasks, found.by_model[0].skipped, found.by_model[0].new) == (7, 2, 5, 2)
    assert found.ignored == {".txt": 3, ".md": 1}
    assert listing.total([], runs).listed == 0
