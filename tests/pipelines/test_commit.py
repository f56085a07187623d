"""The end of a run: its totals, and one record per model."""

from collections import Counter
from pathlib import Path

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from melanoma.runs.digests import PackedDigests
from melanoma.runs.lister import PlannedRun
from melanoma.runs.planning import LedgerCounts, ListingSummary
from melanoma.runs.task_waves import ChosenTasks
from pipelines.commit import CommitRun, CommitSettings, totals_of
from tests.helpers.pipeline_runs import start


def settings_of(tmp_path: Path, bundle_uri: str, model: int = 0) -> CommitSettings:
    return CommitSettings(start(tmp_path, bundle_uri), model, workers=3)


ADOPTED = PackedDigests([b"a" * 32], 32)
SUMMARY = ListingSummary(
    (LedgerCounts(skipped=1, new=4, adopted=ADOPTED), LedgerCounts(skipped=0, new=5)),
    listed=6,
    tasks=5,
    ignored=Counter({".txt": 2}),
    seconds=1.5,
)


def test_totals_are_those_of_the_model_with_the_rest_deferred(tmp_path: Path, bundle_uri: str) -> None:
    planned = PlannedRun(SUMMARY, ChosenTasks(3, (2, 3), (1, 0)))
    totals = totals_of(settings_of(tmp_path, bundle_uri, 0), planned)
    assert (totals.listed, totals.skipped, totals.deferred, totals.adopted) == (6, 1, 2, ADOPTED)
    assert (totals.ignored, totals.seconds, totals.workers, totals.repeated) == ({".txt": 2}, 1.5, 3, 1)
    totals = totals_of(settings_of(tmp_path, bundle_uri, 1), PlannedRun(SUMMARY, ChosenTasks(5, (4, 5), (0, 0))))
    assert (totals.skipped, totals.deferred, len(totals.adopted), totals.repeated) == (0, 0, 0, 0)


def test_a_run_without_staged_chunks_ends_with_a_record(tmp_path: Path, bundle_uri: str) -> None:
    settings = settings_of(tmp_path / "out", bundle_uri)
    summary = ListingSummary((LedgerCounts(skipped=2, new=0),), listed=2, tasks=0)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        planned = pipeline | "Planned" >> beam.Create([PlannedRun(summary, ChosenTasks(0, (0,), (0,)))])
        records = pipeline | "Staged" >> beam.Create([]) | CommitRun(settings, planned)
        found = records | beam.Map(lambda record: (record.outcome, record.counts.listed, record.counts.skipped))
        assert_that(found, equal_to([("nothing_new", 2, 2)]))
    assert len(list((tmp_path / "out" / "_reports").glob("*.json"))) == 1
