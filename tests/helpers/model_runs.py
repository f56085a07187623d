"""A run of the tiny bundle whose rows are made by hand, for reports without Beam and without a network."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from melanoma.model.bundle import load_bundle
from melanoma.runs.records import COMMITTED, Counts, RunRecord, write_record
from melanoma.runs.run import ModelRun, new_run
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_tables import SLUGS, failed_row, scored_row

Probabilities = Sequence[float]


def model_run(output: Path, bundle_uri: str, day: int = 2) -> ModelRun:
    """Plans a run of the bundle on a day of January 2026."""
    bundle = load_bundle(bundle_uri)
    date = datetime.date(2026, 1, day)
    run = new_run(layout_of(output), bundle, pa.schema([]), table_in(output).version, date)
    return ModelRun(replace(run, run_id=f"202601{day:02}T030405Z-00000000"), bundle)


def commit_scores(
    model: ModelRun, scores: dict[str, Probabilities], failures: Mapping[str, str] | None = None, **values: Any
) -> RunRecord:
    """Commits a row for each photograph as the run does, and leaves its record.

    Args:
        model: The model that runs.
        scores: Probabilities of melanoma, nevus and basal cell carcinoma, by name of the photograph.
        failures: Error kinds of photographs that failed, by name.
        **values: Other columns of every row.
    """
    run = model.run
    shared = {"model_id": run.model_id, "run_id": run.run_id, "run_date": run.run_date, **values}
    rows = [scored_row(name, *p, **shared) for name, p in scores.items()]
    kinds = Counter((failures or {}).values())
    rows += [failed_row(name, **shared | {"error_kind": kind}) for name, kind in (failures or {}).items()]
    if [label for label in model.bundle.slugs if label not in SLUGS]:
        raise ValueError("the bundle has other classes than these rows")
    table = pa.Table.from_pylist(rows, schema=run.schema)
    opened = ScoreTable.at(run.layout, table_in(run.layout.name).version)
    version = opened.append(run.run_id, run.schema, iter(table.to_batches()))
    counts = Counts(listed=len(rows), scored=len(scores), failed=kinds.total())
    record = RunRecord(
        *(run.run_id, run.run_date.isoformat(), run.model_id, COMMITTED, counts),
        table_version=version,
        failures=dict(kinds),
        model_name=run.model_name,
    )
    write_record(run.layout, record)
    return record


def uri_of(name: str) -> str:
    """Returns the URI of a photograph in these rows."""
    return str(scored_row(name, 1, 0, 0)["image_uri"])
