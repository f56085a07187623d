"""Runs that have scored the same photographs and commit at once, and what must hold afterwards."""

from collections.abc import Sequence
from pathlib import Path

from melanoma import storage
from melanoma.runs.ledger import load_ledgers
from melanoma.runs.run import Run
from melanoma.runs.run_totals import RunTotals
from melanoma.runs.staging import StagedChunk
from melanoma.runs.stored_records import read_record
from tests.helpers.faults import plan_run, stage
from tests.helpers.pipeline_runs import assert_one_row_each

End = tuple[Run, RunTotals, list[StagedChunk]]


def prepared(count: int, images: Path | str, output: Path | str, bundle_uri: str) -> list[End]:
    """Returns runs that have scored the same photographs, none knowing of another."""
    runs = [plan_run(output, bundle_uri) for _ in range(count)]
    ledgers = [load_ledgers([run])[0] for run in runs]
    return [(run, *stage(run, images, bundle_uri, known=known)) for run, known in zip(runs, ledgers, strict=True)]


def assert_each_photograph_once(output: Path | str, runs: Sequence[Run], photographs: int, before: int) -> None:
    """Asserts that every photograph has one row, and every run one commit and a record that adds up."""
    records = [read_record(run) for run in runs]
    assert all(record and record.counts.add_up for record in records)
    assert sum(record.counts.scored + record.counts.failed for record in records if record) == photographs - before
    assert_one_row_each(output, photographs)
    log = "".join(storage.read_bytes(file.uri).decode() for file in storage.list_files(f"{output}/_delta_log"))
    assert all(log.count(f'"run_id":"{run.run_id}"') == 1 for run in runs)
