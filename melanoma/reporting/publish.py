"""Writes the report of a run beside its record, and the reports that killed runs could not write."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.json_values import to_json
from melanoma.model.reference_distribution import WARN, WARNING_LIMIT
from melanoma.reporting.content import report_content, without_photographs
from melanoma.reporting.index import write_index
from melanoma.reporting.model_page import write_model_pages
from melanoma.reporting.page import page
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.runs.records import RunRecord, record_of
from melanoma.runs.run import ModelRun
from melanoma.runs.run_history import RunSummary, read_series, summary_of, write_series
from melanoma.table.layout import OutputLayout

_EARLIER_RUNS = 30


def publish(model: ModelRun, record: RunRecord, options: ReportOptions, is_over_budget: bool) -> dict[str, Any]:
    """Writes `<run_id>.json`, `<run_id>.html`, the page of all runs and the page of the model.

    Args:
        model: The model that ran.
        record: Record of its run, which may have ended early.
        options: Options for the content of the report.
        is_over_budget: Whether more photographs failed than the operator allows.

    Returns:
        The content of the report.

    Raises:
        MelanomaError: A file cannot be written, or the score table cannot be read.
        ReadError: A record or the key of the pseudonyms cannot be read.
    """
    layout = model.run.layout
    runs = [run for run in read_series(layout) if run["run_id"] != record.run_id]
    content = report_content(model, record, _seen_before(runs, record), options) | {"is_over_budget": is_over_budget}
    record = replace(record, warnings=(*record.warnings, *_drift_warnings(content)))
    storage.write_bytes(layout.record(record.run_id), to_json(asdict(record) | {"report": content}))
    storage.write_bytes(layout.report(record.run_id), page(record, content, is_over_budget).encode())
    runs = sorted([*runs, summary_of(record, content)], key=lambda run: run["run_id"])
    _add_missing_pages(layout, runs)
    write_series(layout, runs)
    write_index(layout, runs)
    write_model_pages(layout, runs, record.model_id, content["reference"])
    return content


def _drift_warnings(content: dict[str, Any]) -> list[str]:
    """Returns a warning about drift from earlier runs; drift from the bundle is usual, as every hospital differs."""
    found = content["drift"]["earlier"]
    if found.get("level") != WARN:
        return []
    psi = found["columns"][found["worst"]]
    return [f"prediction drift (PSI {psi:.2f}, limit {WARNING_LIMIT}); compare the histograms in the report"]


def _seen_before(runs: Sequence[RunSummary], record: RunRecord) -> list[dict[str, Any]]:
    """Returns the distributions of the last runs of the same model that scored something."""
    same = [
        run["seen"]
        for run in runs
        if run["seen"] and run["model_id"] == record.model_id and run["run_id"] < record.run_id
    ]
    return same[-_EARLIER_RUNS:]


def _add_missing_pages(layout: OutputLayout, runs: Sequence[RunSummary]) -> None:
    """Writes the pages of runs that were killed before they could write them."""
    present = {stored.uri for stored in storage.list_files(layout.reports)}
    for run in runs:
        if layout.report(run["run_id"]) not in present:
            try:
                document = json.loads(storage.read_bytes(layout.record(run["run_id"])))
            except (ReadError, ValueError):
                continue
            html = page(record_of(document), document.get("report", {}), is_over_budget=False)
            storage.write_bytes(layout.report(run["run_id"]), html.encode())


def forget(layout: OutputLayout, names: Collection[str]) -> int:
    """Removes photographs from every report.

    Args:
        layout: Layout of the output folder.
        names: URIs and pseudonyms of the photographs.

    Returns:
        Number of reports that contained one of them.

    Raises:
        NothingCommittedError: A changed report cannot be written.
        ReadError: A record cannot be read.
    """
    changed = 0
    for run in read_series(layout):
        uri = layout.record(run["run_id"])
        document = json.loads(storage.read_bytes(uri))
        content = document.get("report", {})
        kept = without_photographs(content, names)
        if kept != content:
            content = kept
            html = page(record_of(document), content, content.get("is_over_budget", False))
            storage.write_bytes(layout.report(run["run_id"]), html.encode())
            storage.write_bytes(uri, to_json(document | {"report": content}))
            changed += 1
    return changed
