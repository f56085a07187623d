"""What keeps a score table fit for years: promotion, deletion of a model, compaction, clean-up, history."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from melanoma import scores, storage
from melanoma.errors import NothingCommittedError, UsageError
from melanoma.schema import PARTITION
from melanoma.store_errors import reason_of

RETENTION_DAYS = 7  # of readers that opened the table before a file was replaced; Delta Lake's own default
_SMALL_BYTES, _MANY_FILES = 32 << 20, 32


@dataclass(frozen=True)
class ModelFacts:
    """What a score table holds of one model.

    Attributes:
        model_id: Of the model.
        rows: Its rows, failures included.
        first: Id of the first run with one.
        last: Id of the last run with one.
        is_promoted: Whether its answers count.
    """

    model_id: str
    rows: int
    first: str
    last: str
    is_promoted: bool


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


def models(uri: str) -> list[ModelFacts]:
    """Says what a score table holds of each model, the one that was first in it at the front.

    Raises:
        UsageError: There is no table.
    """
    promoted = scores.promoted(uri)
    groups = scores.rows(uri, [PARTITION, "run_id"]).group_by(PARTITION)
    found = groups.aggregate([("run_id", "count"), ("run_id", "min"), ("run_id", "max")]).sort_by("run_id_min")
    return [
        ModelFacts(
            row[PARTITION], row["run_id_count"], row["run_id_min"], row["run_id_max"], row[PARTITION] == promoted
        )
        for row in found.to_pylist()
    ]


def history(uri: str) -> list[Version]:
    """Gives the versions of a score table, the newest first, as far back as its log reaches.

    Raises:
        UsageError: There is no table.
    """
    return [_version(entry) for entry in _opened(uri).history()]


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


def promote(uri: str, model_id: str) -> int:
    """Lets a model's answers count from now on.

    Returns:
        The version of the table that says so.

    Raises:
        UsageError: There is no table, or it holds no row of the model.
        NothingCommittedError: The store or the disk refused.
    """
    _known(uri, model_id)
    table = _opened(uri)
    with _changes(uri):
        table.alter.set_table_properties({scores.PROMOTED: model_id}, raise_if_not_exists=False)
    return int(table.version())


def delete_model(uri: str, model_id: str) -> int:
    """Deletes all rows of a model, so that a night with its bundle would score everything again.

    Returns:
        How many.

    Raises:
        UsageError: There is no table, it holds no row of the model, or the model is the promoted one.
        NothingCommittedError: The store or the disk refused.
    """
    facts = _known(uri, model_id)
    if facts.is_promoted:
        raise UsageError(f"{model_id} is the promoted model; promote another one first")
    table = _opened(uri)
    with _changes(uri):
        table.delete(f"{PARTITION} = '{facts.model_id}'")
    return facts.rows


def _known(uri: str, model_id: str) -> ModelFacts:
    known = {facts.model_id: facts for facts in models(uri)}
    if model_id not in known:
        raise UsageError(f"{uri}: no row of {model_id!r}; the table knows {', '.join(known) or 'no model'}")
    return known[model_id]


def small_files(uri: str, model_id: str) -> int:
    """Counts the small files of a model's rows."""
    table = scores.open_table(uri)
    if table is None:
        return 0
    actions = pa.table(table.get_add_actions(flatten=True))
    own = pa.compute.equal(actions[f"partition.{PARTITION}"], model_id)
    return int(pa.compute.sum(pa.compute.and_(own, pa.compute.less(actions["size_bytes"], _SMALL_BYTES))).as_py() or 0)


def compact_if_it_pays(uri: str, model_id: str) -> bool:
    """Merges the files of many nights once there are many; tells whether it did.

    Raises:
        NothingCommittedError: The store or the disk refused.
    """
    if small_files(uri, model_id) < _MANY_FILES:
        return False
    compact(uri)
    return True


def compact(uri: str) -> tuple[int, int]:
    """Merges small files; no row changes.

    Returns:
        Files that were merged, and files that came of it.

    Raises:
        UsageError: There is no table.
        NothingCommittedError: The store or the disk refused.
    """
    table = _opened(uri)
    with _changes(uri):
        metrics = table.optimize.compact()
    return int(metrics["numFilesRemoved"]), int(metrics["numFilesAdded"])


def vacuum(uri: str, days: int, dry_run: bool) -> tuple[int, int]:
    """Deletes data files that no version younger than the retention needs.

    Args:
        uri: Of the score table.
        days: Retention, at least `RETENTION_DAYS`.
        dry_run: Only say which.

    Returns:
        Number of files, and their bytes.

    Raises:
        UsageError: There is no table, or the retention is too short.
        NothingCommittedError: The store or the disk refused.
    """
    if days < RETENTION_DAYS:
        raise UsageError(
            f"a retention of {days} days is too short: readers may still need them; {RETENTION_DAYS} or more"
        )
    return _vacuum(uri, days * 24, dry_run)


def vacuum_at_once(uri: str) -> tuple[int, int]:
    """Deletes every data file that the present version does not need, whoever may be reading it: to forget somebody."""
    return _vacuum(uri, 0, dry_run=False)


def rewrite_without(uri: str, uris: pa.Array) -> None:
    """Writes the table anew without the rows of some photographs.

    A deletion would leave its condition, and so their names, in the log.

    Raises:
        UsageError: There is no table.
        NothingCommittedError: The store or the disk refused.
    """
    table = _opened(uri)
    rows = table.to_pyarrow_dataset()
    kept = rows.scanner(filter=~pa.compute.field("image_uri").isin(uris)).to_reader()
    with _changes(uri):
        scores.overwrite(table, kept)


def _vacuum(uri: str, hours: int, dry_run: bool) -> tuple[int, int]:
    table, root = _opened(uri), storage.canonical(uri)
    # Of killed runs files may lie there that no version ever knew.
    full = {"full": True, "enforce_retention_duration": False}
    with _changes(uri):
        doomed = table.vacuum(hours, dry_run=True, **full)
        sizes = [storage.size_of(storage.join(root, *name.split("/"))) for name in doomed]
        if not dry_run and doomed:
            table.vacuum(hours, dry_run=False, **full)
    return len(doomed), sum(sizes)


def _opened(uri: str) -> Any:
    table = scores.open_table(uri)
    if table is None:
        raise UsageError(f"{uri}: no score table there; `melanoma score --output {uri}` makes one")
    return table


@contextlib.contextmanager
def _changes(uri: str) -> Iterator[None]:
    try:
        yield
    except scores.REFUSALS as error:
        raise NothingCommittedError(f"{uri}: the table did not take the change ({reason_of(error)})") from None
