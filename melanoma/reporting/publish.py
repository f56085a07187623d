"""Leaves the report of a run beside its record, and mends what earlier nights could not leave."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.model.bundle import to_json
from melanoma.reporting.facts import ReportOptions, facts_of
from melanoma.reporting.index import write_index
from melanoma.reporting.page import page
from melanoma.runs.records import COMMITTED, RunRecord, record_of
from melanoma.runs.run import ModelRun
from melanoma.runs.run_history import RunSummary, read_series, summary_of, write_series
from melanoma.table.layout import OutputLayout

DRIFTED = "the probabilities are spread unlike those of the nights before; see the report"
_NIGHTS_BEFORE = 30


def leave(model: ModelRun, record: RunRecord, wishes: ReportOptions, is_over_budget: bool) -> dict[str, Any]:
    """Writes `<run_id>.json`, `<run_id>.html` and the page of all nights.

    Args:
        model: That ran.
        record: Of the run, as far as it came.
        wishes: Of the operator.
        is_over_budget: Whether more failed than the operator allows.

    Returns:
        The facts of the report.

    Raises:
        MelanomaError: The store or the disk does not take them, or the table cannot be read.
        ReadError: The same of what lies beside the table.
    """
    layout = model.run.layout
    nights = [night for night in read_series(layout) if night["run_id"] != record.run_id]
    facts = facts_of(model, record, _seen_before(nights, record), wishes) | {"is_over_budget": is_over_budget}
    if facts["drift"]["earlier"].get("level") == "warn":
        record = replace(record, warnings=(*record.warnings, DRIFTED))
    storage.write_bytes(layout.record(record.run_id), to_json(asdict(record) | {"report": facts}))
    storage.write_bytes(layout.report(record.run_id), page(record, facts, is_over_budget).encode())
    nights = sorted([*nights, summary_of(record, facts)], key=lambda night: str(night["run_id"]))
    _mend(layout, nights)
    write_series(layout, nights)
    write_index(layout, nights)
    return facts


def _seen_before(nights: Sequence[RunSummary], record: RunRecord) -> list[dict[str, Any]]:
    same = [
        night["seen"]
        for night in nights
        if night["model_id"] == record.model_id and night["outcome"] == COMMITTED and night["run_id"] < record.run_id
    ]
    return [seen for seen in same if seen][-_NIGHTS_BEFORE:]


def _mend(layout: OutputLayout, nights: Sequence[RunSummary]) -> None:
    """Makes the pages of runs that died before they could."""
    there = {stored.uri for stored in storage.list_files(layout.reports)}
    for night in nights:
        if layout.report(night["run_id"]) not in there:
            try:
                document = json.loads(storage.read_bytes(layout.record(night["run_id"])))
            except (ReadError, ValueError):
                continue
            html = page(record_of(document), document.get("report", {}), is_over_budget=False)
            storage.write_bytes(layout.report(night["run_id"]), html.encode())


def forget(layout: OutputLayout, names: Collection[str]) -> int:
    """Takes photographs out of every report, with their hashes too.

    Args:
        layout: Of the output folder.
        names: URIs and hashes.

    Returns:
        Number of reports that named one.
    """
    changed = 0
    for night in read_series(layout):
        uri = layout.record(night["run_id"])
        document = json.loads(storage.read_bytes(uri))
        facts = document.get("report", {})
        sample = facts.get("sample", {})
        left = {part: [row for row in rows if row["photograph"] not in names] for part, rows in sample.items()}
        if left != sample:
            facts = facts | {"sample": left}
            html = page(record_of(document), facts, facts.get("is_over_budget", False))
            storage.write_bytes(layout.report(night["run_id"]), html.encode())
            storage.write_bytes(uri, to_json(document | {"report": facts}))
            changed += 1
    return changed
