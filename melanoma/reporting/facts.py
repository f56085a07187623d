"""What a report tells beyond the run's record, as JSON values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from melanoma.model.reference_distribution import reference_of
from melanoma.reporting.drift import Seen, drift, pooled
from melanoma.runs.records import COMMITTED, RunRecord
from melanoma.runs.run import ModelRun
from melanoma.table.layout import OutputLayout
from melanoma.table.pseudonyms import Pseudonyms
from melanoma.table.schema import PROBABILITY_PREFIX, SCORED
from melanoma.table.score_table import ScoreTable

FORMAT = 1
_SAMPLE = 5
_MOST_COMPARED = 200_000  # rows that are looked up in the table for an earlier answer


@dataclass(frozen=True)
class ReportOptions:
    """What an operator wants in the report.

    Attributes:
        show_uris: Photographs by where they lie, instead of by a keyed hash.
        list_suspicious: A list by probability of melanoma.
    """

    show_uris: bool = False
    list_suspicious: bool = False


def facts_of(model: ModelRun, record: RunRecord, earlier: Sequence[Seen], wishes: ReportOptions) -> dict[str, Any]:
    """Gathers the facts of one run.

    Args:
        model: That ran.
        record: That it left.
        earlier: What the nights before saw, by the same model.
        wishes: Of the operator.

    Returns:
        JSON values: `format`, `seen` (as `reference_of` gives it), `drift` from the `bundle` and from `earlier` nights,
        `earlier` pooled, `sample` for quality control, `bottleneck`.
    """
    table = ScoreTable.open(model.run.layout)
    bundle, rows = model.bundle, _rows(table, model, record)
    seen = _seen(bundle.slugs, rows) if rows.num_rows else {}
    before = pooled(earlier)
    shown = _Shown(model.run.layout, wishes.show_uris)
    probabilities = _matrix(rows, bundle.slugs)
    sample = {
        "least_certain": _least_certain(shown, rows, probabilities),
        "most_moved": _most_moved(table, shown, model, rows, probabilities),
    }
    if wishes.list_suspicious and "melanoma" in bundle.slugs:
        sample["suspicious"] = _suspicious(shown, rows)
    return {
        "format": FORMAT,
        "seen": seen,
        "earlier": before | {"nights": len(earlier)},
        "reference": bundle.description["reference"],
        "drift": {"bundle": drift(bundle.description["reference"], seen), "earlier": drift(before, seen)},
        "sample": sample,
        "bottleneck": bottleneck(record),
    }


def _rows(table: ScoreTable, model: ModelRun, record: RunRecord) -> pa.Table:
    names = [f"{PROBABILITY_PREFIX}{slug}" for slug in model.bundle.slugs]
    columns = ["image_uri", "image_version", "top_label", "ood_score", "scored_at", *names]
    if record.outcome != COMMITTED or not record.counts.scored:
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return table.rows(columns, model_id=record.model_id, run_id=record.run_id, status=SCORED)


def _matrix(rows: pa.Table, slugs: Sequence[str]) -> npt.NDArray[np.float64]:
    columns = [rows[f"{PROBABILITY_PREFIX}{slug}"].to_numpy().astype(np.float64) for slug in slugs]
    return np.stack(columns, axis=1) if rows.num_rows else np.zeros((0, len(slugs)))


def _seen(slugs: Sequence[str], rows: pa.Table) -> dict[str, Any]:
    top = np.array([slugs.index(label) for label in rows["top_label"].to_pylist()])
    ood = None if rows["ood_score"].null_count else rows["ood_score"].to_numpy()
    return reference_of(slugs, _matrix(rows, slugs), top, ood)


class _Shown:
    """How photographs appear."""

    def __init__(self, layout: OutputLayout, by_uri: bool) -> None:
        self._by_uri = by_uri
        self._pseudonyms = None if by_uri else Pseudonyms.of_table(layout)

    def name(self, uri: str) -> str:
        return uri if self._pseudonyms is None else self._pseudonyms.pseudonym(uri)


def _least_certain(shown: _Shown, rows: pa.Table, probabilities: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    if not len(probabilities):
        return []
    two = np.sort(probabilities, axis=1)[:, -2:]
    margin = two[:, 1] - two[:, 0]
    return [
        {"photograph": shown.name(rows["image_uri"][place].as_py()), "margin": float(margin[place])}
        | {"top_label": rows["top_label"][place].as_py()}
        for place in np.argsort(margin, kind="stable")[:_SAMPLE].tolist()
    ]


def _most_moved(
    table: ScoreTable, shown: _Shown, model: ModelRun, rows: pa.Table, probabilities: npt.NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Finds the photographs whose probabilities lie farthest from those that the same model gave them before."""
    if not 0 < rows.num_rows <= _MOST_COMPARED:
        return []
    names = [f"{PROBABILITY_PREFIX}{slug}" for slug in model.bundle.slugs]
    columns = ["image_uri", "run_id", "top_label", *names]
    wanted = pa.compute.field("image_uri").isin(rows["image_uri"].combine_chunks())
    wanted &= pa.compute.field("run_id") < model.run.run_id
    before = table.rows(columns, wanted, model_id=model.run.model_id, status=SCORED)
    latest = {row["image_uri"]: row for row in before.sort_by("run_id").to_pylist()}
    moved = []
    for place, uri in enumerate(rows["image_uri"].to_pylist()):
        if uri in latest:
            old = latest[uri]
            # Total variation distance: the share of the probability that went to other classes.
            distance = 0.5 * sum(abs(old[name] - new) for name, new in zip(names, probabilities[place], strict=True))
            moved.append((distance, uri, old["top_label"], rows["top_label"][place].as_py()))
    moved.sort(key=lambda entry: (-entry[0], entry[1]))
    return [
        {"photograph": shown.name(uri), "distance": float(distance), "from": old, "to": new}
        for distance, uri, old, new in moved[:_SAMPLE]
    ]


def _suspicious(shown: _Shown, rows: pa.Table) -> list[dict[str, Any]]:
    if not rows.num_rows:
        return []
    values = rows["p_melanoma"].to_numpy()
    return [
        {"photograph": shown.name(rows["image_uri"][place].as_py()), "p_melanoma": float(values[place])}
        for place in np.argsort(-values, kind="stable")[: 2 * _SAMPLE].tolist()
    ]


def bottleneck(record: RunRecord) -> dict[str, Any]:
    """Names what a run waited for, as far as the figures tell.

    Listing, network, staging and commit work one at a time in each worker, so that their seconds are shares of the
    run's. Reading and decoding work in many threads beside the network: where that was idle, it waited for them.

    Returns:
        JSON values: `stage`, one of `STAGES`, `start-up` or empty, and the `shares` of the run's time.
    """
    if not record.seconds or not (record.counts.scored + record.counts.failed):
        return {"stage": "", "shares": {}}
    seconds = {name: stage.seconds for name, stage in record.stages.items()}
    alone = {"list": 1, "infer": record.workers, "stage": record.workers, "commit": 1}
    shares = {name: seconds.get(name, 0.0) / (record.seconds * by) for name, by in alone.items()}
    beside = {name: seconds.get(name, 0.0) for name in ("read", "decode")}
    if sum(shares.values()) >= 0.5:
        stage = max(shares, key=lambda name: shares[name])
    elif sum(beside.values()) >= 0.5 * record.seconds * record.workers:
        stage = max(beside, key=lambda name: beside[name])
    else:
        stage = "start-up"
    return {"stage": stage, "shares": shares}
