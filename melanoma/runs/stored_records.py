"""Reads the records of runs, whose files others may have damaged or replaced."""

from typing import Any

from melanoma import storage
from melanoma.errors import ErrorKind, ReadError
from melanoma.json_values import few, parsed, typed
from melanoma.runs import stored_values
from melanoma.runs.records import Counts, RunRecord, Stage
from melanoma.runs.run import Run
from melanoma.runs.stored_values import checked
from melanoma.runs.timeline import Timeline
from melanoma.table.layout import OutputLayout

_MAX_BYTES = 64 << 20  # of the file of a record


def read_record(run: Run) -> RunRecord | None:
    """Reads the record of a run; None if it has not ended, or if its record is damaged.

    Raises:
        ReadError: The store does not answer.
    """
    return stored_record(run.layout, run.run_id)


def stored_record(layout: OutputLayout, run_id: str) -> RunRecord | None:
    """Reads the record of a run by its id; None if there is none, or if it is damaged.

    Raises:
        ReadError: The store does not answer.
    """
    if not storage.exists(layout.record(run_id)):
        return None
    try:
        record = record_of(read_document(layout, run_id))
        return record if record.run_id == run_id else None
    except ValueError:
        return None


def read_document(layout: OutputLayout, run_id: str) -> dict[str, Any]:
    """Reads the JSON object in the file of a run's record, which also holds the content of its report.

    Raises:
        ValueError: The file is damaged, or is not a regular file.
        ReadError: The store does not answer.
    """
    try:
        return typed(dict, parsed(storage.read_small(layout.record(run_id), _MAX_BYTES)), "record")
    except ReadError as error:
        if error.kind in (ErrorKind.UNSUPPORTED_FORMAT, ErrorKind.TOO_LARGE):
            raise ValueError(error.detail) from None
        raise


_STAGE = {"seconds": stored_values.amount, "photographs": stored_values.whole, "bytes": stored_values.whole}


def _stages(value: Any, name: str) -> dict[str, Stage]:
    return {key: Stage(**checked(stage, _STAGE, key)) for key, stage in stored_values.mapping(value, name).items()}


def _counts(value: Any, name: str) -> Counts:
    counts = stored_values.numbers(value, name)
    if unknown := counts.keys() - Counts.__dataclass_fields__.keys():
        raise ValueError(f"{name} has the unknown keys {few(unknown)}")  # the known ones might not add up
    return Counts(**counts)


_CHECKS = {
    "run_id": stored_values.text,
    "run_date": stored_values.date,
    "model_id": stored_values.text,
    "outcome": stored_values.text,
    "counts": _counts,
    "adopted": stored_values.whole,
    "table_version": stored_values.optional(stored_values.whole),
    "failures": stored_values.numbers,
    "classes": stored_values.numbers,
    "ignored": stored_values.numbers,
    "stages": _stages,
    "workers": stored_values.whole,
    "warnings": stored_values.texts,
    "seconds": stored_values.optional(stored_values.amount),
    "reason": stored_values.text,
    "model_name": stored_values.text,
    "shard": stored_values.text,
    "other_waiting": stored_values.whole,
    "absent_shards": stored_values.texts,
    "engine": stored_values.text,
    "timeline": stored_values.optional(Timeline.from_json),
}
_NEEDED = ("run_id", "run_date", "model_id", "outcome", "counts")


def record_of(document: Any) -> RunRecord:
    """Reads a record from a JSON object, which may hold more.

    Raises:
        ValueError: It is not a record: a value is missing or of another kind.
    """
    values = checked(document, _CHECKS, "record")
    if missing := [name for name in _NEEDED if name not in values]:
        raise ValueError(f"the record lacks {', '.join(missing)}")
    return RunRecord(**values)
