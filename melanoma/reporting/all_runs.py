"""Writes what is about all runs: their series, the page of all runs, pages of models, and pages that are missing."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from melanoma import storage
from melanoma.errors import ReadError
from melanoma.json_values import DAMAGED, typed
from melanoma.reporting.index import write_index
from melanoma.reporting.judging import verdict_of
from melanoma.reporting.model_page import ModelSetting, write_model_pages
from melanoma.reporting.page import page
from melanoma.reporting.verdict import ReportedRun
from melanoma.runs import heartbeats
from melanoma.runs.run_history import RunSummary, read_series, recorded_runs, write_series
from melanoma.runs.stored_records import read_document, record_of
from melanoma.table.layout import OutputLayout

_TRIES = 5


def write_all(
    layout: OutputLayout,
    others: Sequence[RunSummary],
    own: RunSummary,
    setting: ModelSetting,
    active: Collection[str] = (),
) -> set[str]:
    """Writes the pages of all runs, and keeps their series.

    Args:
        layout: Layout of the output folder.
        others: The other runs.
        own: The run that has just ended.
        setting: Of the page of its model.
        active: Ids of other launches that are active: what they have recorded so far is shown, and not kept.

    Returns:
        The ids of the runs that the pages name.

    Raises:
        NothingCommittedError: A file cannot be written.
        ReadError: The store does not answer.
    """
    runs = sorted([*(run for run in others if run["run_id"] != own["run_id"]), own], key=lambda run: run["run_id"])
    ended = [run for run in runs if run is own or not active or run["run_id"] < min(active)]
    write_series(layout, ended)
    _add_missing_pages(layout, ended)
    write_index(layout, runs)
    write_model_pages(layout, runs, own["model_id"], setting)
    return {run["run_id"] for run in runs}


def write_all_beside_others(layout: OutputLayout, own: RunSummary, setting: ModelSetting) -> None:
    """Does what `write_all` does, and again as long as runs of other shards end meanwhile.

    Every run writes its record first and looks for those of others last, so that the pages that are written last name
    all of them.

    Args:
        layout: Layout of the output folder.
        own: The run that has just ended.
        setting: Of the page of its model.

    Raises:
        MelanomaError: A file cannot be written.
        ReadError: The store does not answer.
    """
    for _ in range(_TRIES):
        # Looked up before the series is read: what is not active then has written its whole record.
        active = [beat.run_id for beat in heartbeats.active(layout) if beat.run_id != own["run_id"]]
        named = write_all(layout, read_series(layout), own, setting, active)
        if named.issuperset(recorded_runs(layout)):
            break


def _add_missing_pages(layout: OutputLayout, runs: Sequence[RunSummary]) -> None:
    """Writes the pages of runs that were killed before they could write them."""
    present = {stored.uri for stored in storage.list_files(layout.reports)}
    for run in runs:
        if layout.report(run["run_id"]) not in present:
            with contextlib.suppress(ReadError, *DAMAGED):
                storage.write_bytes(layout.report(run["run_id"]), page(_reported(layout, run["run_id"])).encode())


def _reported(layout: OutputLayout, run_id: str) -> ReportedRun:
    """Returns a run from its record's JSON document."""
    return run_in(read_document(layout, run_id))


def run_in(document: Mapping[str, Any]) -> ReportedRun:
    """Returns the run that the JSON document of a record states."""
    record, content = record_of(document), typed(dict, document.get("report", {}), "report")
    return ReportedRun(record, content, verdict_of(record, content))
