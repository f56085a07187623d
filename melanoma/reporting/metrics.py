"""The metrics of a run in the text format that Prometheus collects from files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from melanoma import storage
from melanoma.reporting.verdict import Event, ReportedRun, RunVerdict
from melanoma.runs.records import RunRecord

_PREFIX = "melanoma"
_OUTCOMES = ("scored", "failed", "skipped", "duplicates", "deferred")


class _Sample(NamedTuple):
    labels: Mapping[str, str]
    value: float


class _Family(NamedTuple):
    name: str
    meaning: str
    samples: Sequence[_Sample]


class Ending(NamedTuple):
    """How a nightly run ended.

    Attributes:
        runs: Its runs, one per model; empty if there were none yet.
        exit_code: Exit code of the process.
        time: Unix time of the end.
    """

    runs: Sequence[ReportedRun]
    exit_code: int
    time: float


def write_metrics(path: str, ending: Ending) -> None:
    """Replaces the metrics file in one step; unless the exit code is 0 it keeps the time of the last successful run.

    Args:
        path: URI or path of the file.
        ending: The nightly run that has just ended.

    Raises:
        UsageError: Something is there that is no file.
        NothingCommittedError: The file cannot be written.
        ReadError: The previous file cannot be read.
    """
    target = storage.file_target(path)
    last_success = _last_success_in(path) if ending.exit_code else ending.time
    storage.write_bytes(target, as_text(ending, last_success).encode())


def as_text(ending: Ending, last_success: float | None) -> str:
    """Returns the metrics of the last run of each model.

    Args:
        ending: The nightly run.
        last_success: Unix time of the end of the last successful run; None if there was none.

    Returns:
        Lines of the exposition format, version 0.0.4; no label contains the name of a photograph.
    """
    success = [] if last_success is None else [_Sample({}, last_success)]
    families = [
        *_families([run.record for run in ending.runs]),
        _Family("drift", "Largest population stability index of all columns in the last run.", _drift(ending.runs)),
        *_verdicts(ending),
        _Family("end_timestamp_seconds", "Unix time at the end of the last run.", [_Sample({}, ending.time)]),
        _Family("success_timestamp_seconds", "Unix time at the end of the last successful run.", success),
    ]
    return "".join(line for family in families for line in _lines(family))


def _families(records: Sequence[RunRecord]) -> list[_Family]:
    """Returns the metric families that need only the records."""

    def one_each(value_of: Callable[[RunRecord], float | None]) -> list[_Sample]:
        values = [(record, value_of(record)) for record in records]
        return [_Sample(_model(record), value) for record, value in values if value is not None]

    version = one_each(lambda record: record.table_version)
    return [
        _Family("photographs", "Photographs in the last run, by outcome.", _photographs(records)),
        _Family("failures", "Failed photographs in the last run, by error kind.", _failures(records)),
        _Family("seconds", "Duration of the last run.", one_each(lambda record: record.seconds)),
        _Family("stage_seconds", "Work of each stage in the last run, summed over threads.", _stages(records)),
        _Family("warnings", "Warnings of the last run.", one_each(lambda record: len(record.warnings))),
        *_shards(records),
        _Family("table_version", "Version of the score table after the last run.", version),
    ]


def _shards(records: Sequence[RunRecord]) -> list[_Family]:
    """Returns the metric families of runs that score one of several shards."""
    of_shards = [record for record in records if record.shard]
    waiting = [_Sample(_model(record), record.other_waiting) for record in of_shards]
    absent = [_Sample(_model(record), len(record.absent_shards)) for record in of_shards]
    return [
        _Family("other_shards_waiting", "Photographs of other shards without a row when they were listed.", waiting),
        _Family("absent_shards", "Other shards that had no run when it was due.", absent),
    ]


def _verdicts(ending: Ending) -> list[_Family]:
    """Returns the metric families of the verdicts; of a start that ended before its runs, the first has no label."""

    def one_each(value_of: Callable[[RunVerdict], bool]) -> list[_Sample]:
        return [_Sample(_model(run.record), int(value_of(run.verdict))) for run in ending.runs]

    is_ok = one_each(lambda verdict: verdict.exit_code == 0) or [_Sample({}, int(ending.exit_code == 0))]
    over_budget = one_each(lambda verdict: verdict.has(Event.OVER_BUDGET))
    drifted = one_each(lambda verdict: verdict.has(Event.DRIFT))
    return [
        _Family("ok", "Whether all is well with the last run: its exit code is 0.", is_ok),
        _Family("over_budget", "Whether more photographs failed than --max-failed allows.", over_budget),
        _Family("drift_over_limit", "Whether the predictions drifted by more than the limits allow.", drifted),
        _Family("exit_code", "Exit code of the last run.", [_Sample({}, ending.exit_code)]),
    ]


def _last_success_in(path: str) -> float | None:
    """Returns the end of the last successful run according to the previous file, if that states it."""
    uri, name = storage.canonical(path), f"{_PREFIX}_success_timestamp_seconds "
    if not storage.exists(uri):
        return None
    lines = storage.read_bytes(uri).decode(errors="replace").splitlines()
    values = [line.removeprefix(name) for line in lines if line.startswith(name)]
    try:
        return float(values[0]) if values else None
    except ValueError:
        return None


def _model(record: RunRecord) -> dict[str, str]:
    return {"model": record.model_id}


def _photographs(records: Iterable[RunRecord]) -> list[_Sample]:
    return [
        _Sample(_model(record) | {"outcome": name}, getattr(record.counts, name))
        for record in records
        for name in (*_OUTCOMES, *(["other_shard"] if record.shard else []))
    ]


def _failures(records: Iterable[RunRecord]) -> list[_Sample]:
    return [
        _Sample(_model(record) | {"kind": kind}, count)
        for record in records
        for kind, count in sorted(record.failures.items())
    ]


def _stages(records: Iterable[RunRecord]) -> list[_Sample]:
    return [
        _Sample(_model(record) | {"stage": name}, stage.seconds)
        for record in records
        for name, stage in record.stages.items()
    ]


def _drift(runs: Iterable[ReportedRun]) -> list[_Sample]:
    return [
        _Sample(_model(run.record) | {"against": against}, found["columns"][found["worst"]])
        for run in runs
        for against, found in run.content.get("drift", {}).items()
        if found["judged"]
    ]


def _lines(family: _Family) -> Iterator[str]:
    name = f"{_PREFIX}_{family.name}"
    if family.samples:
        yield f"# HELP {name} {family.meaning}\n# TYPE {name} gauge\n"
    for labels, value in family.samples:
        # Model ids, stages and error kinds contain no character that needs escaping.
        pairs = ",".join(f'{key}="{label}"' for key, label in labels.items())
        yield f"{name}{{{pairs}}} {value:.15g}\n" if pairs else f"{name} {value:.15g}\n"
