"""What was done to a score table, version by version."""

from dataclasses import dataclass
from typing import Any

from melanoma.table.maintenance import opened


@dataclass(frozen=True)
class Version:
    """One version of a score table.

    Attributes:
        number: From 0.
        moment: Milliseconds since 1970, UTC.
        what: In a few words.
        run_id: Of the run that made it; empty for none.
        rows: That it added; None where nothing is said.
    """

    number: int
    moment: int
    what: str
    run_id: str
    rows: int | None


def history(uri: str) -> list[Version]:
    """Gives the versions of a score table, the newest first, as far back as its log reaches.

    Raises:
        UsageError: There is no table.
    """
    return [_version(entry) for entry in opened(uri).history()]


def _version(entry: dict[str, Any]) -> Version:
    metrics = entry.get("operationMetrics") or {}
    rows = metrics.get("num_added_rows") if entry.get("run_id") else None
    return Version(
        int(entry["version"]), int(entry["timestamp"]), _what(entry), entry.get("run_id", ""), rows and int(rows)
    )


def _what(entry: dict[str, Any]) -> str:
    operation, said = entry.get("operation", ""), entry.get("operationParameters") or {}
    if entry.get("run_id"):
        return "night"
    if operation == "WRITE":
        return str(entry.get("why", "rewritten"))
    if operation == "SET TBLPROPERTIES":
        return f"promoted {_property(said)}"
    known = {
        "CREATE TABLE": "made",
        "DELETE": f"deleted {said.get('predicate', '')}",
        "OPTIMIZE": "compacted",
        "VACUUM START": "clean-up began",
        "VACUUM END": "cleaned up",
    }
    return str(known.get(operation, operation.lower()))


def _property(said: dict[str, Any]) -> str:
    return str(said.get("properties", "")).rpartition(":")[2].strip('"{} ')
