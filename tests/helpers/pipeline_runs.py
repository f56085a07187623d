"""Whole runs in this process, with Beam and the network, as `melanoma score` makes them."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from melanoma.ingest.roots import Root
from melanoma.ingest.sources import Source
from melanoma.model.bundle import load_bundle
from melanoma.runs.records import RunRecord
from melanoma.runs.run import ModelRun, Run, new_run
from melanoma.runs.stored_records import read_record
from pipelines.scoring import ScoreImages
from tests.helpers.outputs import layout_of, table_in


def start(output: Path | str, bundle_uri: str, days: int = 0) -> Run:
    """Plans a run against the table as it is now, dated a number of days after 2 January 2026."""
    bundle = load_bundle(bundle_uri)
    version = table_in(output).version
    date = datetime.date(2026, 1, 2) + datetime.timedelta(days=days)
    return new_run(layout_of(output), bundle, pa.schema([]), version, date)


def run_once(
    images: Path | str | Sequence[Source],
    output: Path | str,
    bundle_uri: str,
    run: Run | None = None,
    runner: Any = None,
    **options: Any,
) -> RunRecord:
    """Scores the new photographs of a folder or of sources in one run, and returns its record."""
    run = run or start(output, bundle_uri)
    sources = [Root(str(images))] if isinstance(images, Path | str) else list(images)
    with beam.Pipeline(runner=runner or FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(sources) | ScoreImages([ModelRun(run, load_bundle(bundle_uri))], **options)
    record = read_record(run)
    if record is None:
        raise RuntimeError("the run left no record")
    return record


def rows(output: Path | str, *columns: str) -> list[dict[str, Any]]:
    """Returns the rows of the table, ordered by photograph and attempt."""
    table = table_in(output).dataset().to_table(columns=list(columns) or None)
    return sorted(table.to_pylist(), key=lambda row: (row.get("image_uri", ""), row.get("attempt", 0)))


def committed(output: Path | str) -> int:
    """Returns the number of rows in the table; 0 if there is no table."""
    return 0 if table_in(output).version is None else table_in(output).dataset().count_rows()


def assert_one_row_each(output: Path | str, photographs: int, record: RunRecord | None = None) -> None:
    """Asserts that every version of every photograph has one row, and that the record's counts add up to them."""
    found = [(row["image_uri"], row["image_version"]) for row in rows(output, "image_uri", "image_version")]
    assert len(found) == len(set(found)) == photographs
    assert record is None or (record.counts.add_up and record.counts.listed == photographs)


def leftovers(output: Path | str, run: Run | RunRecord) -> list[str]:
    """Returns the names of the files that a run has left in the staging folder."""
    return [path.name for path in (Path(output) / "_staging").rglob("*") if run.run_id in str(path)]
