"""Runs that are planned without a bundle, and the rows that they stage: quick, since no network is loaded."""

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from melanoma.errors import ErrorKind
from melanoma.ingest.image_refs import ImageRef, digest_of
from melanoma.runs import staging
from melanoma.runs.digests import ADOPTION_KEY_BYTES, PackedDigests, adoption_key_of
from melanoma.runs.run import Run, time_stamp
from melanoma.runs.staging import StagedChunk
from melanoma.table.schema import score_schema
from melanoma.table.score_table import ScoreTable
from tests.helpers.outputs import layout_of, table_in
from tests.helpers.score_rows import SLUGS, failed, row

MODEL = "m-000000000001"
FIRST_DAY = datetime.date(2026, 1, 2)


def run_on(output: Path | str, day: int = 0, number: int = 0, kept: pa.Schema | None = None, **values: Any) -> Run:
    """Plans a run against the table as it is now.

    Args:
        output: Output folder.
        day: Days after 2 January 2026.
        number: Tells runs of one day apart.
        kept: Columns carried over from a manifest.
        **values: Other attributes of the run.
    """
    date = FIRST_DAY + datetime.timedelta(days=day)
    planned = {
        "run_id": f"{time_stamp(datetime.datetime(date.year, date.month, date.day, 1))}-{number:08x}",
        "run_date": date,
        "layout": layout_of(output),
        "model_id": MODEL,
        "fingerprint": "f" * 16,
        "schema": score_schema(SLUGS, kept),
        "table_version": table_in(output).version,
    }
    return Run(**{**planned, **values})


def ref(name: str, version: str = "v1", attempt: int = 1) -> ImageRef:
    """Returns a photograph that a root lists under its name."""
    return ImageRef(f"file:///in/{name}.jpg", version, 10, name, (), attempt)


def digest(photograph: ImageRef) -> bytes:
    """Returns the digest of a photograph's URI and version."""
    return digest_of(photograph.uri, photograph.version)


def adoption_keys(refs: Iterable[ImageRef]) -> PackedDigests:
    """Returns the adoption keys of photographs, as a listing counts them."""
    return PackedDigests(map(adoption_key_of, refs), ADOPTION_KEY_BYTES)


def rows_of(
    run: Run, scored: Iterable[ImageRef] = (), failures: Mapping[ImageRef, ErrorKind] | None = None, **values: Any
) -> pa.Table:
    """Returns rows of a run, the scored ones first."""
    rows = [row(photograph.image_id, **_columns(run, photograph), **values) for photograph in scored]
    for photograph, kind in (failures or {}).items():
        values_of = {**_columns(run, photograph), **values}
        rows.append({**failed(photograph.image_id, **values_of), "error_kind": kind.value})
    return pa.Table.from_pylist(rows, schema=run.schema)


def _columns(run: Run, photograph: ImageRef) -> dict[str, Any]:
    return {
        "image_id": photograph.image_id,
        "image_uri": photograph.uri,
        "image_version": photograph.version,
        "run_date": run.run_date,
        "run_id": run.run_id,
        "attempt": photograph.attempt,
        "model_id": run.model_id,
    }


def commit(run: Run, rows: pa.Table) -> int:
    """Commits rows as a run does, against the version that it was planned against, and returns the new version."""
    return ScoreTable.at(run.layout, run.table_version).append(run.run_id, run.schema, iter(rows.to_batches()))


def stage(run: Run, number: int, rows: pa.Table, **values: Any) -> StagedChunk:
    """Stages the rows of a chunk, and returns what the pipeline reports of it."""
    staging.write_chunk(run, number, rows)
    return StagedChunk(number, rows.num_rows, **values)
