"""Writes the report of a run beside its record, and the reports that killed runs could not write."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from melanoma import storage
from melanoma.errors import UsageError
from melanoma.json_values import DAMAGED, to_json, typed
from melanoma.reporting.all_runs import run_in, write_all, write_all_beside_others
from melanoma.reporting.content import report_content, without_photographs
from melanoma.reporting.judging import judge
from melanoma.reporting.limits import Limits
from melanoma.reporting.model_page import ModelSetting
from melanoma.reporting.page import page
from melanoma.reporting.profile_page import profile_page
from melanoma.reporting.quality_sample import ReportOptions
from melanoma.reporting.verdict import Event, ReportedRun, RunVerdict, read_verdict
from melanoma.runs.absent_shards import absent_shards, in_words
from melanoma.runs.records import RunRecord, as_document
from melanoma.runs.run import ModelRun, started_at
from melanoma.runs.run_history import RunSummary, read_series, recorded_runs, summary_of
from melanoma.runs.stored_records import read_document
from melanoma.shards import Shard
from melanoma.table.layout import OutputLayout

_EARLIER_RUNS = 30


@dataclass(frozen=True)
class ReportSettings:
    """How reports are made.

    Attributes:
        content: Options for the content of the report.
        limits: What the operator accepts.
        exit_code: Code with which runs that ended early end their process; None for the usual one.
    """

    content: ReportOptions = field(default_factory=ReportOptions)
    limits: Limits = field(default_factory=Limits)
    exit_code: int | None = None


def publish(model: ModelRun, record: RunRecord, settings: ReportSettings) -> ReportedRun:
    """Judges a run, and writes `<run_id>.json`, `<run_id>.html`, the page of all runs and the page of the model.

    Args:
        model: The model that ran.
        record: Record of its run, which may have ended early.
        settings: How the report is made.

    Returns:
        The run with the content of its report and the verdict; drift is among the record's warnings.

    Raises:
        MelanomaError: A file cannot be written, or the score table cannot be read.
        ReadError: A record or the key of the pseudonyms cannot be read.
    """
    layout = model.run.layout
    runs = [run for run in read_series(layout) if run["run_id"] != record.run_id]
    record = _with_absent_shards(record, runs)
    content = report_content(model, record, _seen_before(runs, record), settings.content)
    verdict = judge(record, content, settings.limits, settings.exit_code)
    drift = [reason.text for reason in verdict.reasons if reason.event is Event.DRIFT]
    record = replace(record, warnings=(*record.warnings, *drift))
    content |= {"is_over_budget": verdict.has(Event.OVER_BUDGET), "verdict": verdict.as_json()}
    reported = ReportedRun(record, content, verdict)
    _write(layout, reported, runs, settings.limits)
    return reported


def publish_start(layout: OutputLayout, record: RunRecord, verdict: RunVerdict) -> None:
    """Records a start that ended before there was a run, with its page and the page of all runs.

    Args:
        layout: Layout of the output folder.
        record: Record of the start.
        verdict: The verdict on it.

    Raises:
        MelanomaError: A file cannot be written.
        ReadError: A record cannot be read.
    """
    _write(layout, ReportedRun(record, {"verdict": verdict.as_json()}, verdict), read_series(layout), Limits())


def _write(layout: OutputLayout, run: ReportedRun, others: Sequence[RunSummary], limits: Limits) -> None:
    record = run.record
    storage.write_bytes(layout.record(record.run_id), to_json(as_document(record) | {"report": run.content}))
    storage.write_bytes(layout.report(record.run_id), page(run).encode())
    if picture := profile_page(run):
        storage.write_bytes(layout.report(record.run_id, "profile"), picture.encode())
    setting = ModelSetting(run.content.get("reference", {}), limits)
    own = summary_of(record, run.content)
    if record.shard:
        write_all_beside_others(layout, own, setting)
    else:
        write_all(layout, others, own, setting)


def _with_absent_shards(record: RunRecord, runs: Sequence[RunSummary]) -> RunRecord:
    """Adds to the record of a successful run of one shard which others have stayed away, with a warning."""
    if not record.shard or not record.is_successful:
        return record
    same = [run for run in runs if run["model_id"] == record.model_id]
    absent = absent_shards(same, Shard.parsed(record.shard), started_at(record.run_id))
    warnings = [in_words(absent, record.other_waiting)] if absent else []
    names = [str(one.shard) for one in absent]
    return replace(record, absent_shards=names, warnings=(*record.warnings, *warnings))


def _seen_before(runs: Sequence[RunSummary], record: RunRecord) -> list[dict[str, Any]]:
    """Returns the distributions of the last runs of the same model that scored something.

    Runs that drifted beyond a limit are left out: a night of faulty photographs must not make the next ones look odd.
    For the same reason, so are runs of other shards of the same date. Each of several shards counts as a part of a run.
    """
    same = [
        run["seen"]
        for run in runs
        if run["seen"] and run["model_id"] == record.model_id and run["run_id"] < record.run_id and not _drifted(run)
        if run["run_date"] != record.run_date or run["shard"] == record.shard
    ]
    shards = Shard.parsed(record.shard).total if record.shard else 1
    return same[-_EARLIER_RUNS * shards :]


def _drifted(run: RunSummary) -> bool:
    verdict = read_verdict(run["verdict"])
    return verdict is not None and verdict.has(Event.DRIFT)


def forget(layout: OutputLayout, names: Collection[str], dry_run: bool = False) -> int:
    """Removes photographs from every report.

    Args:
        layout: Layout of the output folder.
        names: URIs and pseudonyms of the photographs.
        dry_run: Whether to only count the reports.

    Returns:
        Number of reports that contained one of them.

    Raises:
        UsageError: A record is damaged.
        NothingCommittedError: A changed report cannot be written.
        ReadError: A record cannot be read.
    """
    changed, damaged = 0, list[str]()
    for run_id in recorded_runs(layout):
        try:
            changed += _forget_in(layout, run_id, names, dry_run)
        except DAMAGED:
            damaged.append(layout.record(run_id))
    if damaged:
        raise UsageError(
            f"{', '.join(damaged[:3])}{' and others' if damaged[3:] else ''}: is damaged, and may still hold names of "
            "photographs; restore it from a backup, or remove it and the page beside it, and start again"
        )
    return changed


def _forget_in(layout: OutputLayout, run_id: str, names: Collection[str], dry_run: bool) -> bool:
    """Removes photographs from one report; returns whether it contained one of them."""
    document = read_document(layout, run_id)
    content = typed(dict, document.get("report", {}), "report")
    kept = without_photographs(content, names)
    if kept == content:
        return False
    if not dry_run:
        document |= {"report": kept}
        storage.write_bytes(layout.report(run_id), page(run_in(document)).encode())
        storage.write_bytes(layout.record(run_id), to_json(document))
    return True
