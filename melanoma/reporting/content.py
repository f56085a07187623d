"""The content of a report beyond the run's record, as JSON values."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from melanoma.model.reference_distribution import reference_of
from melanoma.redaction import redacted
from melanoma.reporting.bottleneck import bottleneck
from melanoma.reporting.drift import Distribution, drift, pooled
from melanoma.reporting.failed_photographs import failed_photographs
from melanoma.reporting.flags import FLAGS, REASON, added_flags, flag_counts
from melanoma.reporting.photograph_names import PhotographNames
from melanoma.reporting.quality_sample import MAX_COMPARED, ReportOptions, ScoredRows, merged_samples, quality_sample
from melanoma.runs.records import COMMITTED, RunRecord
from melanoma.runs.run import ModelRun
from melanoma.table.schema import PROBABILITY_PREFIX, SCORED
from melanoma.table.score_table import ScoreTable

FORMAT = 1


def report_content(
    model: ModelRun, record: RunRecord, earlier: Sequence[Distribution], options: ReportOptions
) -> dict[str, Any]:
    """Collects the content of the report of one run.

    Args:
        model: The model that ran.
        record: Record of its run.
        earlier: Distributions of the predictions of earlier runs of the same model.
        options: Options for the content of the report.

    Returns:
        JSON values: `format`; `seen`, the distribution of the run's predictions, empty if nothing was scored;
        `earlier`, the pooled distribution of the earlier runs and their number `nights`; `reference`, the bundle's;
        `drift` against the `bundle` and `earlier`; `sample` for quality control; `bottleneck`; `flags`, the photographs
        that were flagged; `failed`, the first photographs that failed; `table`, URI of the score table.
    """
    table = ScoreTable.open(model.run.layout)
    reference = model.bundle.description["reference"]
    names = PhotographNames(model.run.layout, options.show_uris)
    distributions, samples, flags = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for scored in _scored_rows(table, model, record):
        distributions.append(_distribution(scored) if scored.rows.num_rows else {})
        samples.append(quality_sample(table, model, scored, options, names, is_whole=_is_small(record)))
        flags.append(flag_counts(scored.rows))
    seen = distributions[0] if len(distributions) == 1 else pooled(distributions)
    before = pooled(earlier)
    return {
        "format": FORMAT,
        "seen": seen,
        "earlier": before | {"nights": len(earlier)},
        "reference": reference,
        "drift": {"bundle": drift(reference, seen), "earlier": drift(before, seen)},
        "sample": merged_samples(samples),
        "bottleneck": bottleneck(record),
        "flags": added_flags(flags),
        "failed": failed_photographs(table, record, names),
        "table": redacted(model.run.layout.root),
    }


def without_photographs(content: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Returns the content of a report without the lines on some photographs.

    Args:
        content: As `report_content` returns it, also that of an older version.
        names: Names of the photographs in the report: their URIs and their pseudonyms.
    """
    kept = dict(content)
    if "failed" in content:
        kept["failed"] = _others(content["failed"], names)
    if "sample" in content:
        kept["sample"] = {part: _others(rows, names) for part, rows in content["sample"].items()}
    return kept


def _others(rows: Sequence[Mapping[str, Any]], names: Collection[str]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["photograph"] not in names]


def _is_small(record: RunRecord) -> bool:
    return record.counts.scored <= MAX_COMPARED


def _scored_rows(table: ScoreTable, model: ModelRun, record: RunRecord) -> Iterator[ScoredRows]:
    """Yields the rows of a run, at least once, and a part at a time: those of a first run may not fit into memory."""
    slugs = model.bundle.slugs
    names = [f"{PROBABILITY_PREFIX}{slug}" for slug in slugs]
    columns = ["image_uri", "image_version", "top_label", "ood_score", "scored_at", *FLAGS, REASON, *names]
    if record.outcome != COMMITTED or not record.counts.scored:
        nothing = pa.table({name: pa.array([], pa.string()) for name in columns})
        yield ScoredRows(nothing, np.zeros((0, len(slugs))), slugs)
        return
    equal = {"model_id": record.model_id, "run_id": record.run_id, "status": SCORED}
    for rows in table.row_parts(columns, MAX_COMPARED, **equal):
        probabilities = [rows[name].to_numpy().astype(np.float64) for name in names]
        yield ScoredRows(rows, np.stack(probabilities, axis=1), slugs)


def _distribution(scored: ScoredRows) -> dict[str, Any]:
    top = np.array([scored.slugs.index(label) for label in scored.rows["top_label"].to_pylist()])
    scores = scored.rows["ood_score"]
    return reference_of(scored.slugs, scored.probabilities, top, None if scores.null_count else scores.to_numpy())
