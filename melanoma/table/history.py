"""The history of a score table: what each version changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OPERATIONS = {
    "CREATE TABLE": "made",
    "OPTIMIZE": "compacted",
    "VACUUM START": "clean-up began",
    "VACUUM END": "cleaned up",
}


@dataclass(frozen=True)
class Version:
    """One version of a score table.

    Attributes:
        number: Number of the version, from 0.
        moment: When it was committed, milliseconds since 1970, UTC.
        what: The change in a few words; `night` for the rows of a run.
        run_id: Id of the run that committed it; empty if none did.
        rows: Number of rows that the run added; None for other changes.
    """

    number: int
    moment: int
    what: str
    run_id: str
    rows: int | None


def version_of(entry: Mapping[str, Any]) -> Version:
    """Returns the version that one entry of the Delta log's history describes; what it misstates is left out.

    Any Delta client may have written the entry, so each value may be missing or of another type.
    """
    run_id = _text(entry, "run_id")
    rows = _mapping(entry, "operationMetrics").get("num_added_rows") if run_id else None
    added = None if rows is None else _whole(rows)
    return Version(_whole(entry["version"]), _whole(entry.get("timestamp")), _what(entry), run_id, added)


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _what(entry: Mapping[str, Any]) -> str:
    operation, parameters = _text(entry, "operation"), _mapping(entry, "operationParameters")
    if _text(entry, "run_id"):
        return "night"
    if operation == "WRITE":
        return str(entry.get("why", "rewritten"))
    if operation == "SET TBLPROPERTIES":
        return f"promoted {_promoted_in(parameters)}"
    if operation == "DELETE":
        return _deleted_by(str(parameters.get("predicate", "")))
    return _OPERATIONS.get(operation, operation.lower())


def _deleted_by(condition: str) -> str:
    """Returns what a deletion by this condition took; a condition on the date is one of Delta Lake's own spelling."""
    found = re.search(r"run_date < '([\d-]+)'", condition)
    if found is None:
        return f"deleted {condition}"
    model = re.search(r"model_id = '([^']+)'", condition)
    return f"deleted rows{f' of {model[1]}' if model else ''} of runs before {found[1]}"


def _promoted_in(parameters: Mapping[str, Any]) -> str:
    """Returns the id of the model that a change of the table's properties promoted."""
    return str(parameters.get("properties", "")).rpartition(":")[2].strip('"{} ')
